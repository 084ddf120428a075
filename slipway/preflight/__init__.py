"""The rules that stop a bad deployment before it starts."""

from slipway.preflight.check import check, has_errors, rules
from slipway.preflight.reading import read_template
from slipway.preflight.rule import Finding, Rule, Severity, Violation
from slipway.preflight.template import Template

__all__ = [
    "Finding",
    "Rule",
    "Severity",
    "Template",
    "Violation",
    "check",
    "has_errors",
    "read_template",
    "rules",
]
