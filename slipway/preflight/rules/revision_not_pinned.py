from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.downloads import downloads
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RevisionNotPinned(Rule):
    """A model that is fetched from a hub is fetched at one revision."""

    id = "RevisionNotPinned"
    severity = Severity.WARNING
    consequence = "Instances that start later may serve other weights than the ones beside them."
    mend = "name the commit in HF_REVISION (LMI: OPTION_REVISION), or put the model into S3"
    source = "LMI deployment guide, configurations: revision, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models of a hub without one."""
        for container, name, value in downloads(template):
            written = container.settings.get("Environment")
            pinned = (
                any(str(other).upper().endswith("REVISION") for other in written) if isinstance(written, dict) else True
            )
            if not pinned and not value.startswith("s3://"):
                yield Violation(
                    container.resource, container.at("Environment", name), f"'{value}' is fetched at no fixed revision"
                )
