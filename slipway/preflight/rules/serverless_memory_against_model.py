from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.fit import options_of
from slipway.fit.need import MIB, weight_bytes
from slipway.preflight.holding import facts_of
from slipway.preflight.hosting import environment_of, model_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import containers, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ServerlessMemoryAgainstModel(Rule):
    """The memory of a serverless endpoint holds the model."""

    id = "ServerlessMemoryAgainstModel"
    severity = Severity.ERROR
    consequence = "The container is ended when it runs out of memory, and the endpoint fails or answers nothing."
    mend = "raise MemorySizeInMB to a multiple of 1024 above the model's size, at most 6144, or host it on instances"
    source = "SageMaker Developer Guide, serverless endpoints, memory size: at least the model's, from memory; 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models whose weights alone are larger."""
        for variant in template.variants():
            memory, model = number(variant.at("ServerlessConfig", "MemorySizeInMB")), model_of(template, variant)
            inside = [] if model is None else [container for _, container in containers(model)]
            if memory is None or model is None or len(inside) != 1:
                continue
            options = options_of(environment_of(inside[0]))
            facts = facts_of(model, options)
            weights = None if facts is None or options.unclear else weight_bytes(facts, options)
            if weights is not None and weights[0] > memory * MIB:
                message = f"{memory:,.0f} MB are given and the weights take {weights[0] / MIB:,.0f} ({weights[1]})"
                yield Violation(variant.config, (*variant.path, "ServerlessConfig", "MemorySizeInMB"), message)
