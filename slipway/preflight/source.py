"""A template and what is known of it besides: where it is written, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slipway.preflight.check import check
from slipway.preflight.lines import Lines

if TYPE_CHECKING:
    from slipway.preflight.check import OnFault
    from slipway.preflight.pseudo import Place
    from slipway.preflight.rule import Finding


@dataclass(frozen=True)
class Source:
    """One template to check.

    Args:
        file: Where its reader looks for what is wrong.
        document: The template.
        place: Where it goes.
        text: What ``file`` holds; empty where that is not the template but what it was made from.
        environment: Of the project; None for a template of anybody.
    """

    file: str
    document: dict[str, Any]
    place: Place
    text: str = ""
    environment: str | None = None

    def check(self, on_fault: OnFault) -> Checked:
        """Apply every rule."""
        return Checked(self, check(self.document, place=self.place, on_fault=on_fault))

    def of_project(self, file: str, environment: str) -> Source:
        """Return the same as a user of a project sees it: not as the template, but as what it was made from."""
        return replace(self, file=file, text="", environment=environment)


@dataclass(frozen=True)
class Checked:
    """What was found in one template."""

    source: Source
    findings: list[Finding]

    def lines(self) -> list[int | None]:
        """Return the line of each finding; None where its file is not the template."""
        if not self.source.text or not self.findings:
            return [None for _ in self.findings]
        lines = Lines(self.source.text)
        return [lines.of(("Resources", each.resource, "Properties", *each.steps)) for each in self.findings]
