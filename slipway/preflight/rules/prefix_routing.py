from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import value_at
from slipway.preflight.values import is_known, is_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

KEY: Final = "PrefixAwareRoutingConfig"


class PrefixRouting(Rule):
    """Settings of prefix-aware routing go with that strategy."""

    id = "PrefixRouting"
    severity = Severity.WARNING
    consequence = "CreateEndpointConfig is refused, or requests are routed as if the settings were not there."
    mend = "set RoutingStrategy to PREFIX_AWARE, or remove PrefixAwareRoutingConfig"
    source = "botocore, ProductionVariantRoutingConfig: only when the strategy is PREFIX_AWARE, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find settings beside other strategies."""
        for variant in template.variants():
            routing = variant.at("RoutingConfig")
            strategy = value_at(routing, ("RoutingStrategy",))
            if is_there(value_at(routing, (KEY,))) and is_known(strategy) and strategy != "PREFIX_AWARE":
                path = (*variant.path, "RoutingConfig", KEY)
                yield Violation(variant.config, path, f"the strategy is {strategy} and takes no prefix settings")
