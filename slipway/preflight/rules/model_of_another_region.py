from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Template

PLACES: Final[tuple[Path, ...]] = (
    ("ModelPackageName",),
    ("ModelDataUrl",),
    ("ModelDataSource", "S3DataSource", "S3Uri"),
)
REGION: Final = r"([a-z]{2}(?:-[a-z]+)+-\d)"
# Package ARNs, and buckets that bear their region in a name which AWS or its SDK gives.
REGIONAL: Final = (
    re.compile(rf"arn:aws[a-z-]*:sagemaker:{REGION}:\d{{12}}:model-package/"),
    re.compile(rf"s3://jumpstart-(?:private-)?cache-prod-{REGION}/"),
    re.compile(rf"s3://sagemaker-{REGION}-\d{{12}}/"),
)


class ModelOfAnotherRegion(Rule):
    """A model's package and data lie in the region that it is created in."""

    id = "ModelOfAnotherRegion"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "name the package or bucket of the region, by ${AWS::Region} where it has one in each"
    source = "SageMaker API reference, ContainerDefinition: ModelDataUrl, same region, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find those whose name says another region; without a region, none."""
        for model in template.of_kind(MODEL) if template.region is not None else ():
            for path, container in containers(model):
                for place in PLACES:
                    region = _region(value_at(container, place))
                    if region not in (None, template.region):
                        message = f"it lies in {region} and the model is created in {template.region}"
                        yield Violation(model, (*path, *place), message)


def _region(name: Any) -> str | None:
    matches = (pattern.match(name) for pattern in REGIONAL) if isinstance(name, str) else ()
    return next((match[1] for match in matches if match is not None), None)
