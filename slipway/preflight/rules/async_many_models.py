from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import kind_of_model, model_of, production
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

CHOSEN: Final = ("multi-model", "multi-container")
"""Kinds of models of which each request names a part."""


class AsyncManyModels(Rule):
    """An asynchronous endpoint hosts one model, or a pipeline."""

    id = "AsyncManyModels"
    severity = Severity.ERROR
    consequence = "Nobody can call it: InvokeEndpointAsync has no parameter that names a model or a container."
    mend = "host it in real time, or one model on each endpoint"
    source = "botocore, InvokeEndpointAsync: neither TargetModel nor TargetContainerHostname, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find asynchronous endpoints whose callers would have to choose."""
        for config in template.of_kind(CONFIG):
            if not isinstance(config.at("AsyncInferenceConfig"), dict):
                continue
            for variant in production(template, config):
                model = model_of(template, variant)
                kind = None if model is None else kind_of_model(model)
                if kind in CHOSEN:
                    message = f"the model is {kind} and callers of an asynchronous endpoint cannot choose"
                    yield Violation(config, (*variant.path, "ModelName"), message)
