from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import config_of, kind_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
RESOURCE: Final = re.compile(r"endpoint/(.+)/variant/([^/]+)")
AT_ONCE: Final = ("realtime", "pipeline", "multi-container", "multi-model")


class ScalesInToOne(Rule):
    """A fleet scales in to no fewer than two instances."""

    id = "ScalesInToOne"
    severity = Severity.WARNING
    consequence = "In quiet hours every request fails while the one machine, or its zone, is down or being replaced."
    mend = "set MinCapacity to 2"
    source = "Security Hub SageMaker.4; Application Auto Scaling User Guide, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find fleets of an endpoint that answers at once, and that may shrink to one."""
        for target in template.of_kind("AWS::ApplicationAutoScaling::ScalableTarget"):
            if target.at("ScalableDimension") != DIMENSION or number(target.at("MinCapacity")) != 1:
                continue
            match = RESOURCE.fullmatch(str(target.at("ResourceId")))
            endpoint = template.named(ENDPOINT, match[1], key="EndpointName") if match is not None else None
            config = None if endpoint is None else config_of(template, endpoint)
            if match is None or config is None or kind_of(template, config) not in AT_ONCE:
                continue
            starts = [
                each.at("InitialInstanceCount")
                for each in template.variants_of(config)
                if each.at("VariantName") == match[2]
            ]
            if starts and number(starts[0]) != 1:  # one that starts with one is found by SingleInstance
                yield Violation(target, ("MinCapacity",), "the fleet may shrink to one instance")
