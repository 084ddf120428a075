"""Findings for other programs: one JSON document, or SARIF for code scanning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from slipway.preflight.check import rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.preflight.rule import Finding, Rule
    from slipway.preflight.source import Checked, Source

    Fault = tuple[str, Exception]

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def as_document(checked: Sequence[Checked], faults: Sequence[Fault]) -> dict[str, Any]:
    """Return findings as plain data.

    Args:
        checked: What was found, template by template.
        faults: Rules that broke, with what broke them.
    """
    document: dict[str, Any] = {
        "findings": [
            {**_as_data(finding), **_place(each.source), "line": line} for each, finding, line in _located(checked)
        ]
    }
    if faults:
        document["faults"] = [{"rule": rule, "error": _in_words(error)} for rule, error in faults]
    return document


def as_sarif(checked: Sequence[Checked], faults: Sequence[Fault]) -> dict[str, Any]:
    """Return the same as a SARIF 2.1.0 log."""
    broken = [{"level": "error", "message": {"text": f"{rule}: {_in_words(error)}"}} for rule, error in faults]
    run = {
        "tool": {"driver": {"name": "slipway check", "rules": [_described(rule) for rule in rules()]}},
        "invocations": [{"executionSuccessful": not faults, "toolExecutionNotifications": broken}],
        "results": [_result(each.source.file, finding, line) for each, finding, line in _located(checked)],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _located(checked: Sequence[Checked]) -> Iterator[tuple[Checked, Finding, int | None]]:
    for each in checked:
        for finding, line in zip(each.findings, each.lines(), strict=True):
            yield each, finding, line


def _as_data(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "resource": finding.resource,
        "path": finding.path,
        "message": finding.message,
        "mend": finding.mend,
        "acknowledged": finding.acknowledged,
        "construct": finding.construct,
    }


def _place(source: Source) -> dict[str, Any]:
    return {"file": source.file, "environment": source.environment, "stack": source.place.stack}


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": (rule.__doc__ or rule.id).splitlines()[0]},
        "fullDescription": {"text": rule.consequence},
        "help": {"text": f"{rule.mend} (source: {rule.source})"},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(file: str, finding: Finding, line: int | None) -> dict[str, Any]:
    name = f"{finding.construct or finding.resource}.{finding.path}".rstrip(".")
    # Code scanning shows nothing that has no line.
    place = {"artifactLocation": {"uri": quote(file)}, "region": {"startLine": line or 1}}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": finding.severity.value,
        "message": {"text": f"{name}: {finding.message}: {finding.mend}"},
        "locations": [
            {"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}]}
        ],
    }
    if finding.acknowledged is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.acknowledged}]
    return result
