"""Findings for other programs: plain data, and SARIF for code scanning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.check import rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.preflight.rule import Finding, Rule

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def as_data(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain data."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "resource": finding.resource,
        "path": finding.path,
        "message": finding.message,
        "mend": finding.mend,
        "acknowledged": finding.acknowledged,
    }


def as_sarif(found: Mapping[str, Sequence[Finding]]) -> dict[str, Any]:
    """Return findings as a SARIF 2.1.0 log.

    Args:
        found: By the template's path, relative to the repository where it is inside one.
    """
    results = [_result(file, finding) for file, findings in found.items() for finding in findings]
    tool = {"driver": {"name": "slipway check", "rules": [_described(rule) for rule in rules()]}}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": tool, "results": results}]}


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": (rule.__doc__ or rule.id).splitlines()[0]},
        "fullDescription": {"text": rule.consequence},
        "help": {"text": f"{rule.mend} (source: {rule.source})"},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(file: str, finding: Finding) -> dict[str, Any]:
    place = {"fullyQualifiedName": f"{finding.resource}.{finding.path}", "kind": "resource"}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": finding.severity.value,
        "message": {"text": f"{finding.resource}: {finding.message}: {finding.mend}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": file}}, "logicalLocations": [place]}],
    }
    if finding.acknowledged is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.acknowledged}]
    return result
