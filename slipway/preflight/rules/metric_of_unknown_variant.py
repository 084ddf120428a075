from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import lacks_variant
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG
from slipway.preflight.watching import watches
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template
    from slipway.preflight.watching import Watch


class MetricOfUnknownVariant(Rule):
    """The variant, and the config, that a metric is watched of is one of its endpoint."""

    id = "MetricOfUnknownVariant"
    severity = Severity.ERROR
    consequence = "The alarm never sees a value, whatever happens, and a policy never scales."
    mend = "name a variant of the endpoint's config"
    source = "SageMaker Developer Guide, CloudWatch metrics of endpoints: dimensions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants that the endpoint has not, and configs that it does not deploy."""
        for watch in watches(template):
            config = watch.source.config
            why = None if watch.fault is not None or config is None else _why(template, watch, config)
            if why is not None:
                yield Violation(watch.resource, (*watch.path, "Dimensions"), why)


def _why(template: Template, watch: Watch, config: Resource) -> str | None:
    dimensions = watch.dimensions or {}
    name = dimensions.get("VariantName")
    if lacks_variant(template, config, name):
        names = [str(variant.at("VariantName")) for variant in template.variants_of(config)]
        return f"the endpoint has no variant '{name}'{did_you_mean(str(name), names)}: it has {', '.join(names)}"
    other = template.named(CONFIG, dimensions.get("EndpointConfigName"), key="EndpointConfigName")
    if other is not None and other is not config:
        return f"the endpoint deploys '{config.logical_id}' and not '{other.logical_id}'"
    return None
