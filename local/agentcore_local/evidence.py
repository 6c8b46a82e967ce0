"""Evidence for auditors, out of what `cdk synth` wrote.

Which control is met in which stack by which resource and setting, what was acknowledged and why,
and what said so. The same assembly gives the same bytes: no time, no absolute path.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdk_code_interpreter.checks import (
    RULES,
    Finding,
    Rule,
    Template,
    Templates,
    find,
    read_templates,
)

_TOOLS = ("aws-cdk-lib", "cdk-code-interpreter", "cdk-nag", "constructs")
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
_REPORT = "validation-report.json"
_LONGEST_SETTING = 200
# From the worst on.
_STATUSES = ("not met", "acknowledged", "met", "not applicable")


def collect_evidence(assembly: Path) -> dict[str, Any]:
    """Collect evidence about every stack of a cloud assembly.

    Args:
        assembly: The folder that ``cdk synth`` wrote, such as ``cdk.out``. What was acknowledged
            counts for a rule if the app registered the pack `CodeInterpreterChecks`.

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
        "version": 1,
        "tools": _tools(),
        "packs": [
            {"name": pack["pluginName"], "conclusion": pack["conclusion"]} for pack in report
        ],
        "stacks": [
            _evidence_of(assembly, stack, _rules(assembly, stack, templates, findings, report))
            | {"acknowledgments": _acknowledgments(stack, report)}
            for stack in stacks
        ],
    }


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
            by = {each["resource"]: None for each in (*rule["findings"], *rule["met_by"])}
            controls = "; ".join(f"{name} {ids}" for name, ids in sorted(rule["controls"].items()))
            yield stack["stack"], rule["rule"], rule["status"], controls, ", ".join(by)


def _evidence_of(assembly: Path, stack: _Stack, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "stack": stack.name,
        "template": stack.template.relative_to(assembly).as_posix(),
        "sha256": hashlib.sha256(stack.template.read_bytes()).hexdigest(),
        "controls": _controls(rules),
        "rules": rules,
    }


def _controls(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The controls that the rules serve, each as well met as the worst of its rules."""
    serving: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for rule in rules:
        for framework, controls in rule["controls"].items():
            for control in controls.split(", "):
                serving.setdefault((framework, control), []).append(rule)
    return [
        {
            "framework": framework,
            "control": control,
            "status": min((rule["status"] for rule in served_by), key=_STATUSES.index),
            "rules": [rule["rule"] for rule in served_by],
            "met_by": [
                witness
                for number, witness in enumerate(witnesses)
                if witness not in witnesses[:number]
            ],
        }
        for (framework, control), served_by in sorted(serving.items())
        for witnesses in [[each for rule in served_by for each in rule["met_by"]]]
    ]


@dataclass(frozen=True)
class _Stack:
    name: str
    template: Path
    metadata: Mapping[str, Any]


def _stacks(assembly: Path) -> Iterator[_Stack]:
    manifest = assembly / "manifest.json"
    if not manifest.is_file():
        raise ValueError(
            f"{assembly} has no manifest.json, so it is no cloud assembly; run `cdk synth` and "
            "pass the folder that it writes, cdk.out"
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
            yield from _stacks(assembly / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            metadata = dict(artifact.get("metadata", {}))
            more = artifact.get("additionalMetadataFile")
            if more:
                metadata |= json.loads((assembly / more).read_text(encoding="utf-8"))
            name = properties.get("stackName", artifact_id)
            yield _Stack(name, assembly / properties["templateFile"], metadata)


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
        proofs = [p for p in rule.prove(templates) if p.subject.template.path in own]
        objected = {(f.hit.template.path, f.hit.logical_id) for f in broken}
        met_by = [
            _witness(proof.witness.template, proof.witness.logical_id, proof.location)
            for proof in proofs
            if (proof.subject.template.path, proof.subject.logical_id) not in objected
        ]
        found = [_finding(assembly, finding, acknowledged) for finding in broken]
        entries.append(_entry(rule, met_by, found))
    return entries


def _entry(
    rule: Rule, met_by: list[dict[str, str]], findings: list[dict[str, Any]]
) -> dict[str, Any]:
    open_findings = [finding for finding in findings if finding["acknowledged"] is None]
    if open_findings:
        status = "not met"
    elif findings:
        status = "acknowledged"
    else:
        status = "met" if met_by else "not applicable"
    return {
        "rule": rule.rule_id,
        "meaning": rule.meaning,
        "controls": rule.controls.as_metadata(),
        "status": status,
        "met_by": met_by,
        "findings": findings,
    }


def _witness(template: Template, logical_id: str, location: str) -> dict[str, str]:
    value: Any = template.resources[logical_id]
    for step in location.split("/"):
        if isinstance(value, list):
            value = value[int(step)]
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
