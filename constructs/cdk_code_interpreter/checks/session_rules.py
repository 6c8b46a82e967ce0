"""Rules about the sessions of an interpreter, and about its replacement."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from .._documents.values import choices, text
from .model import CheckLevel, Controls, Hit, Proof, Rule
from .template import Resource, Templates

_DRAIN_TYPE = re.compile(r"drain", re.IGNORECASE)
_SHADOW = re.compile(r"enforcement\W+SHADOW", re.IGNORECASE)
_MAX_AGE = re.compile(r"max_?age", re.IGNORECASE)
# A name that changes with the create-only properties ends with a digest of them.
_REVISION = re.compile(r"_[0-9a-f]{8,}$")
# A date or a counter ends a name by hand: `reports_20261127`.
_BY_HAND = re.compile(r"_((19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d*|0{4}\d+)")
_LITERAL_NAME = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]{0,47}$")


def _undrained(templates: Templates) -> Iterator[Hit]:
    for interpreter in templates.interpreters:
        if not _is_retained(interpreter) and not any(_drains(templates, interpreter)):
            yield _hit(interpreter, "DeletionPolicy")


def _is_retained(interpreter: Resource) -> bool:
    """Whether neither a deletion nor a replacement deletes it; the latter has its own policy."""
    deletion = interpreter.definition.get("DeletionPolicy")
    replacement = interpreter.definition.get("UpdateReplacePolicy")
    return deletion in ("Retain", "RetainExceptOnCreate") and replacement == "Retain"


def _drains(templates: Templates, interpreter: Resource) -> Iterator[Resource]:
    for custom in _custom_resources(templates, interpreter):
        if _DRAIN_TYPE.search(custom.type):
            yield custom


def _custom_resources(templates: Templates, interpreter: Resource) -> Iterator[Resource]:
    for template in templates:
        for logical_id, resource in template.resources.items():
            kind = str(resource.get("Type", ""))
            custom = Resource(template, logical_id)
            if kind.startswith(("Custom::", "AWS::CloudFormation::CustomResource")) and (
                interpreter in templates.targets(template, dict(custom.properties))
            ):
                yield custom


def _unreaped(templates: Templates) -> Iterator[Hit]:
    for interpreter in templates.interpreters:
        sent = [json.dumps(_targets(each)) for each in _schedules(templates, interpreter)]
        aging = [each for each in sent if _MAX_AGE.search(each)]
        if not sent:
            yield _hit(interpreter, "Properties", "no janitor")
        elif not aging:
            yield _hit(interpreter, "Properties", "no max age")
        elif all(_SHADOW.search(each) for each in aging):
            yield _hit(interpreter, "Properties", "only counts")


def _drained(templates: Templates) -> Iterator[Proof]:
    for interpreter in templates.interpreters:
        if _is_retained(interpreter):
            yield Proof(interpreter, interpreter, "DeletionPolicy")
        for drain in _drains(templates, interpreter):
            yield Proof(interpreter, drain, "Properties")


def _reaped(templates: Templates) -> Iterator[Proof]:
    for interpreter in templates.interpreters:
        for schedule in _schedules(templates, interpreter):
            sent = json.dumps(_targets(schedule))
            # One that only counts ends no session, and so is no evidence that they end.
            if _MAX_AGE.search(sent) and not _SHADOW.search(sent):
                yield Proof(interpreter, schedule, "Properties/ScheduleExpression")
                yield Proof(interpreter, schedule, "Properties/Target/Input")


def _schedules(templates: Templates, interpreter: Resource) -> Iterator[Resource]:
    """The schedules that send something about an interpreter, or about what stands for it."""
    stand_ins = {interpreter, *_custom_resources(templates, interpreter)}
    name = text(interpreter.properties.get("Name"))
    for schedule in templates.of_type("AWS::Scheduler::Schedule", "AWS::Events::Rule"):
        if not _is_running(schedule):
            continue
        targets = _targets(schedule)
        named = bool(_LITERAL_NAME.match(name)) and _says(json.dumps(targets), name)
        if named or stand_ins & templates.targets(schedule.template, targets):
            yield schedule


def _is_running(schedule: Resource) -> bool:
    properties = schedule.properties
    return properties.get("State") != "DISABLED" and bool(properties.get("ScheduleExpression"))


def _says(sent: str, name: str) -> bool:
    """Whether what is sent has an interpreter's name, or what all its generations begin with."""
    stem = re.escape(_REVISION.sub("", name))
    following = r"(_[0-9a-f]{8,})?(_?\*|-[*a-zA-Z0-9]|_?[\"\\]|_?$)"
    return re.search(rf"(?<![a-zA-Z0-9_:.-]){stem}{following}", sent) is not None


def _targets(schedule: Resource) -> object:
    return schedule.properties.get("Target", schedule.properties.get("Targets"))


def _colliding_names(templates: Templates) -> Iterator[Hit]:
    for interpreter in templates.interpreters:
        if not all(map(_is_revised, choices(interpreter.properties.get("Name")))):
            yield _hit(interpreter, "Properties/Name")


def _is_revised(name: object) -> bool:
    end = _REVISION.search(text(name))
    return end is not None and not _BY_HAND.fullmatch(end[0])


def _names(templates: Templates) -> Iterator[Proof]:
    for interpreter in templates.interpreters:
        yield Proof(interpreter, interpreter, "Properties/Name")


def _hit(interpreter: Resource, location: str, detail: str | None = None) -> Hit:
    return Hit(interpreter.template, interpreter.logical_id, location, detail)


SESSION_RULES = (
    Rule(
        name="Drain",
        meaning="Nothing stops the interpreter's sessions before it is deleted or replaced.",
        why=(
            "AWS documents that all sessions must be stopped before a code interpreter is deleted. "
            "CloudFormation does not stop them, so a delete or a cleanup after a replacement can "
            "fail and leave the interpreter behind."
        ),
        mend=(
            "Add a SessionDrain (CodeInterpreter has one unless it is switched off), or another "
            "custom resource that refers to the interpreter and has `Drain` in its type. An "
            "interpreter that is retained (DeletionPolicy and UpdateReplacePolicy) needs none."
        ),
        controls=Controls(nist_800_53=("AC-12", "SC-10", "CM-3")),
        level=CheckLevel.ERROR,
        check=_undrained,
        prove=_drained,
        guard_limit="sees whether the template has a drain, not which interpreter it serves",
    ),
    Rule(
        name="Janitor",
        meaning=(
            "No schedule ends sessions that live too long; in brackets, what is missing. A janitor "
            "in SHADOW only counts them."
        ),
        why=(
            "A session lives to the time to live that its caller chose, up to eight hours, idle "
            "or not, and bills its memory. There is no idle timeout and no IAM condition for it."
        ),
        mend=(
            "Add a SessionJanitor with SessionPolicy(max_age=..., "
            "enforcement=Enforcement.ENFORCE); in SHADOW, the default, it ends no session."
        ),
        controls=Controls(nist_800_53=("AC-2(5)", "AC-12", "SC-10")),
        level=CheckLevel.WARNING,
        check=_unreaped,
        prove=_reaped,
        guard_limit=(
            "sees whether a schedule has a max age, not for which interpreter; sees SHADOW where "
            "it stands in one string with the max age"
        ),
    ),
    Rule(
        name="NameCollision",
        meaning="The interpreter's name stays the same when a property that replaces it changes.",
        why=(
            "Every property but the tags replaces the interpreter, CloudFormation creates the new "
            "one before it deletes the old one, and the name must be unique in the account: the "
            "update fails with a conflict."
        ),
        mend=(
            "Let CodeInterpreter generate the name, or end it with a digest of the other "
            "properties: an underscore and at least eight hexadecimal digits."
        ),
        controls=Controls(nist_800_53=("CM-2", "CM-3")),
        level=CheckLevel.WARNING,
        check=_colliding_names,
        prove=_names,
        guard_limit="objects to every name that is not written out",
    ),
)
