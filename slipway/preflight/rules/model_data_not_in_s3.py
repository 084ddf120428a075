from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import value_at
from slipway.preflight.values import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

PLACES: Final = (("ModelDataUrl",), ("ArtifactUrl",), ("ModelDataSource", "S3DataSource", "S3Uri"))
S3: Final = re.compile(rf"https://([^/]*[.-])?s3[.-][^/]*amazonaws\.com|https://[^/]*{OPEN}")
LONG: Final = 80
LONGEST: Final = 2048


class ModelDataNotInS3(Rule):
    """The data of a model lie in S3."""

    id = "ModelDataNotInS3"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, or the download fails and the endpoint with it."
    mend = "copy the data into S3 and write s3://bucket/key"
    source = "SageMaker API reference, ContainerDefinition: ModelDataUrl, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other addresses."""
        for container in held(template):
            for path in PLACES:
                url = value_at(container.settings, path)
                if isinstance(url, str) and url.startswith("https://") and not S3.match(url[:LONGEST]):
                    shown = url if len(url) < LONG else f"{url[:LONG]}…"
                    yield Violation(container.resource, container.at(*path), f"'{shown}' is not an address of S3")
