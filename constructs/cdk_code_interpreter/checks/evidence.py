"""Evidence for auditors, out of what `cdk synth` wrote.

Which rule is kept in which stack by which resource and setting, what that says of published
controls, what was acknowledged and why, and what was not assessed. A statement about a control is
only as wide as what the rule decides. The same assembly gives the same bytes: no time, no absolute
path.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalog import RULES, find
from .model import Finding, Rule
from .template import Template, Templates, read_templates

_TOOLS = ("aws-cdk-lib", "cdk-code-interpreter", "cdk-nag", "constructs")
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
_REPORT = "validation-report.json"
_LONGEST_SETTING = 200
# Of rules, from the worst on.
_STATUSES = ("not met", "acknowledged", "not assessed", "kept", "not applicable")


def collect_evidence(assembly: Path, registered: Sequence[str] = ()) -> dict[str, Any]:
    """Collect evidence about every stack of a cloud assembly.

    Args:
        assembly: The folder that ``cdk synth`` wrote, such as ``cdk.out``. What was acknowledged
            counts for a rule if the app registered the pack `CodeInterpreterChecks`.
        registered: Names of packs that the app registers. The CDK's report leaves out a pack that
            found nothing and had nothing acknowledged; named here, it is listed as such.
            Default: those of the report.

    Returns:
        The evidence, ready for JSON.

    Raises:
        ValueError: The folder is no cloud assembly.
    """
    stacks = list(_stacks(assembly))
    templates = read_templates(stack.template for stack in stacks)
    findings = find(templates)
    report = _report(assembly)
    return {
        "version": 2,
        "tools": _tools(),
        "revision": _revision(assembly),
        "packs": _packs(report, registered),
        "stacks": [
            _evidence_of(assembly, stack, _rules(assembly, stack, templates, findings, report))
            | {"acknowledgments": _acknowledgments(stack, report)}
            for stack in stacks
        ],
    }


def _packs(report: list[dict[str, Any]], registered: Sequence[str]) -> list[dict[str, Any]]:
    """Return every pack that is known to have run, with the number of its findings."""
    found = {
        str(pack["pluginName"]): {
            "name": str(pack["pluginName"]),
            "version": str(pack.get("version", "")),
            "conclusion": str(pack["conclusion"]),
            "findings": len(pack.get("violations") or ()),
            "acknowledged": len(pack.get("suppressedViolations") or ()),
        }
        for pack in report
    }
    for name in registered:
        found.setdefault(
            name,
            {
                "name": name,
                "version": "",
                "conclusion": "registered, as the caller says; not in the report",
                "findings": 0,
                "acknowledged": 0,
            },
        )
    return [found[name] for name in sorted(found)]


def _revision(assembly: Path) -> str:
    """Return the commit that is checked out around an assembly; empty where there is none."""
    command = ["git", "-C", str(assembly), "rev-parse", "HEAD"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def write_evidence(evidence: Mapping[str, Any], output: Path) -> None:
    """Write evidence as JSON; equal evidence gives equal bytes.

    Args:
        evidence: What `collect_evidence` gave.
        output: The file.
    """
    text = json.dumps(evidence, indent=2, sort_keys=True, ensure_ascii=False)
    output.write_bytes(f"{text}\n".encode())


def evidence_rows(evidence: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Rows of a table to read: stack, rule, status, controls, and the resources.

    Rules that nothing in a stack concerns are left out.

    Args:
        evidence: What `collect_evidence` gave.
    """
    for stack in evidence["stacks"]:
        for rule in stack["rules"]:
            if rule["status"] == "not applicable":
                continue
            by = {each["resource"]: None for each in (*rule["findings"], *rule["kept_by"])}
            by |= {each["resource"]: None for each in rule["unseen"]}
            controls = "; ".join(f"{name} {ids}" for name, ids in sorted(rule["controls"].items()))
            yield stack["stack"], rule["rule"], rule["status"], controls, ", ".join(by)


def _evidence_of(assembly: Path, stack: _Stack, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "stack": stack.name,
        "account": stack.account,
        "region": stack.region,
        "stage": stack.stage,
        "template": stack.template.relative_to(assembly).as_posix(),
        "sha256": hashlib.sha256(stack.template.read_bytes()).hexdigest(),
        "controls": _controls(rules),
        "rules": rules,
    }


def _controls(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the rules say of the controls that they serve."""
    serving: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for rule in rules:
        for framework, controls in rule["controls"].items():
            for control in controls.split(", "):
                serving.setdefault((framework, control), []).append(rule)
    return [
        {
            "framework": framework,
            "control": control,
            "status": _status_of(control, served_by),
            "rules": [rule["rule"] for rule in served_by],
            "witnesses": _once([each for rule in served_by for each in rule["kept_by"]]),
            "reasons": _once([each["reason"] for rule in served_by for each in rule["unseen"]]),
        }
        for (framework, control), served_by in sorted(serving.items())
    ]


def _status_of(control: str, rules: list[dict[str, Any]]) -> str:
    """Return what may be said of a control: no more than its rules decide."""
    worst: str = min((rule["status"] for rule in rules), key=_STATUSES.index)
    if worst in ("not met", "acknowledged"):
        # An acknowledgment is the app's own; who judges the control does not know it.
        return "not met"
    if worst != "kept":
        return worst
    decided = any(control in rule["decides"] and rule["status"] == "kept" for rule in rules)
    return "satisfied by" if decided else "contributes to"


def _once(items: list[Any]) -> list[Any]:
    return [each for number, each in enumerate(items) if each not in items[:number]]


@dataclass(frozen=True)
class _Stack:
    name: str
    template: Path
    metadata: Mapping[str, Any]
    account: str
    region: str
    stage: str


def _stacks(assembly: Path, stage: str = "") -> Iterator[_Stack]:
    manifest = assembly / "manifest.json"
    if not manifest.is_file():
        raise ValueError(
            f"{assembly} is not a cloud assembly (no manifest.json); run `cdk synth` and pass the "
            "folder that it writes, cdk.out"
        )
    try:
        artifacts = json.loads(manifest.read_text(encoding="utf-8")).get("artifacts", {})
    except (ValueError, AttributeError):
        raise ValueError(
            f"{manifest} is not what the CDK writes; run `cdk synth` again, and pass its folder"
        ) from None
    for artifact_id, artifact in sorted(artifacts.items()):
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            name = str(properties.get("displayName", artifact_id))
            yield from _stacks(assembly / properties["directoryName"], name)
        elif artifact["type"] == "aws:cloudformation:stack":
            metadata = dict(artifact.get("metadata", {}))
            more = artifact.get("additionalMetadataFile")
            if more:
                metadata |= json.loads((assembly / more).read_text(encoding="utf-8"))
            name = properties.get("stackName", artifact_id)
            place = str(artifact.get("environment", "")).removeprefix("aws://").split("/")
            account, region = (*place, "", "")[:2]
            template = assembly / properties["templateFile"]
            yield _Stack(name, template, metadata, account, region, stage)


def _report(assembly: Path) -> list[dict[str, Any]]:
    path = assembly / _REPORT
    if not path.is_file():
        return []
    reports: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["pluginReports"]
    return sorted(reports, key=lambda report: str(report["pluginName"]))


def _tools() -> dict[str, str]:
    installed = {}
    for name in _TOOLS:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def _rules(
    assembly: Path,
    stack: _Stack,
    templates: Templates,
    findings: Iterable[Finding],
    report: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    own = {template.path for template in read_templates([stack.template])}
    acknowledged = _acknowledged_hits(report)
    entries = []
    for rule in RULES:
        broken = [f for f in findings if f.rule is rule and f.hit.template.path in own]
        objected = {(f.hit.template.path, f.hit.logical_id) for f in broken}
        kept_by = [
            _witness(proof.witness.template, proof.witness.logical_id, proof.location)
            for proof in rule.prove(templates)
            if proof.subject.template.path in own
            if (proof.subject.template.path, proof.subject.logical_id) not in objected
        ]
        unseen = [
            {"resource": each.subject.logical_id, "reason": each.reason}
            for each in rule.unseen(templates)
            if each.subject.template.path in own
        ]
        found = [_finding(assembly, finding, acknowledged) for finding in broken]
        entries.append(_entry(rule, kept_by, found, unseen))
    return entries


def _entry(
    rule: Rule,
    witnesses: list[dict[str, str]],
    findings: list[dict[str, Any]],
    unseen: list[dict[str, str]],
) -> dict[str, Any]:
    # What is left out shows nothing.
    kept_by = [each for each in witnesses if each["value"] != "null"]
    if witnesses and not kept_by:
        unseen = [
            *unseen,
            *(
                {"resource": each["resource"], "reason": f"{each['setting']} is not set"}
                for each in witnesses
            ),
        ]
    if any(finding["acknowledged"] is None for finding in findings):
        status = "not met"
    elif findings:
        status = "acknowledged"
    elif unseen:
        status = "not assessed"
    else:
        status = "kept" if kept_by else "not applicable"
    return {
        "rule": rule.rule_id,
        "meaning": rule.meaning,
        "controls": rule.controls.as_metadata(),
        "decides": list(rule.decides),
        "status": status,
        "kept_by": kept_by,
        "findings": findings,
        "unseen": unseen,
    }


def _witness(template: Template, logical_id: str, location: str) -> dict[str, str]:
    value: Any = template.resources[logical_id]
    for step in location.split("/"):
        if isinstance(value, list):
            # A choice by Fn::If in a list may make more of it than stand there.
            number = int(step) if step.isdigit() else len(value)
            value = value[number] if number < len(value) else value
        else:
            value = value.get(step) if isinstance(value, dict) else None
    written = json.dumps(value, sort_keys=True)
    if len(written) > _LONGEST_SETTING:
        written = f"{written[:_LONGEST_SETTING]}..."
    return {"resource": logical_id, "setting": location, "value": written}


def _finding(
    assembly: Path, finding: Finding, acknowledged: Mapping[tuple[str, str, str], str]
) -> dict[str, Any]:
    hit = finding.hit
    template = Path(hit.template.path).relative_to(assembly).as_posix()
    return {
        "id": finding.finding_id,
        "level": finding.level.value,
        "resource": hit.logical_id,
        "location": hit.location,
        "acknowledged": acknowledged.get((finding.finding_id, template, hit.logical_id)),
    }


def _acknowledged_hits(report: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    hits = {}
    for pack in report:
        for violation in pack.get("suppressedViolations") or []:
            for construct in violation["violatingConstructs"]:
                resource = construct.get("cloudFormationResource")
                if resource:
                    where = (resource["templatePath"], resource["logicalId"])
                    hits[violation["ruleName"], *where] = str(violation.get("reason"))
    return hits


def _acknowledgments(stack: _Stack, report: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every acknowledgment of a stack, with what it suppressed as far as reports say."""
    suppressed: dict[tuple[str, str], set[str]] = {}
    for pack in report:
        for violation in pack.get("suppressedViolations") or []:
            key = (str(violation["acknowledgedId"]), str(violation.get("acknowledgedAt")))
            paths = (construct["constructPath"] for construct in violation["violatingConstructs"])
            suppressed.setdefault(key, set()).update(paths)
    entries = [
        {
            "id": rule_id,
            "construct": path.strip("/"),
            "reason": reason,
            "suppresses": sorted(suppressed.get((rule_id, path.strip("/")), ())),
        }
        for path, metadata in stack.metadata.items()
        for entry in metadata
        if entry["type"] == _ACKNOWLEDGED
        for rule_id, reason in entry["data"].items()
    ]
    return sorted(entries, key=lambda entry: (entry["construct"], entry["id"]))
