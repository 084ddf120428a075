"""How the resources of hosting hang together: endpoint, config, variants, models, components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.template import CONFIG, ENDPOINT, MODEL, VARIANTS, containers
from slipway.preflight.values import UNKNOWN, Unknown, is_known

if TYPE_CHECKING:
    from slipway.preflight.template import Resource, Template, Variant

COMPONENT: Final = "AWS::SageMaker::InferenceComponent"


def config_of(template: Template, endpoint: Resource) -> Resource | None:
    """Return the config that an endpoint deploys, if the template holds it."""
    return template.named(CONFIG, endpoint.at("EndpointConfigName"), key="EndpointConfigName")


def model_of(template: Template, variant: Variant) -> Resource | None:
    """Return the model that a variant hosts, if the template holds it."""
    return template.named(MODEL, variant.at("ModelName"), key="ModelName")


def production(template: Template, config: Resource) -> list[Variant]:
    """Return the variants of a config that answer callers."""
    return [variant for variant in template.variants_of(config) if not variant.shadow]


def are_seen(config: Resource) -> bool:
    """Return whether a template says which variants a config has."""
    listed = [config.at(key) for key in VARIANTS]
    return not any(isinstance(each, Unknown) for each in listed) and not any(
        isinstance(variant, Unknown) for each in listed if isinstance(each, list) for variant in each
    )


def is_serverless(variant: Variant) -> bool:
    """Return whether a variant surely has no instances."""
    return isinstance(variant.at("ServerlessConfig"), dict)


def is_true(value: Any) -> bool:
    """Return whether a switch is surely on; templates write it as text too."""
    return str(value).lower() == "true"


def endpoint_named(template: Template, name: Any) -> Resource | None:
    """Return the endpoint that a value names, if the template holds it."""
    return template.named(ENDPOINT, name, key="EndpointName")


def component_named(template: Template, name: Any) -> Resource | None:
    """Return the inference component that a value names, if the template holds it."""
    return template.named(COMPONENT, name, key="InferenceComponentName")


def variant_named(template: Template, config: Resource, name: Any) -> Variant | None:
    """Return the variant of a config that has a name."""
    return next((each for each in template.variants_of(config) if each.at("VariantName") == name), None)


def lacks_variant(template: Template, config: Resource, name: Any) -> bool:
    """Return whether it is certain that no variant of a config has a name."""
    if not isinstance(name, str) or not is_known(name):
        return False
    listed = [config.at(key) for key in VARIANTS]
    if any(isinstance(each, Unknown) or (isinstance(each, list) and UNKNOWN in each) for each in listed):
        return False
    names = [variant.at("VariantName") for variant in template.variants_of(config)]
    return bool(names) and all(isinstance(each, str) and is_known(each) for each in names) and name not in names


def kind_of(template: Template, config: Resource) -> str | None:
    """Return what kind of endpoint a config makes, in the words of ``slipway.catalog.metrics``.

    Returns:
        ``async``, ``serverless``, ``inference-components``, ``multi-model``, ``multi-container``, ``pipeline`` or
        ``realtime``; None where only a deployment knows, as with a model of another stack.
    """
    if isinstance(config.at("AsyncInferenceConfig"), (dict, Unknown)):
        return "async" if isinstance(config.at("AsyncInferenceConfig"), dict) else None
    variants = list(template.variants_of(config))
    if any(isinstance(variant.at("ServerlessConfig"), Unknown) for variant in variants):
        return None
    if any(isinstance(variant.at("ServerlessConfig"), dict) for variant in variants):
        return "serverless"
    if variants and all(variant.at("ModelName") is None for variant in variants):
        return "inference-components"
    models = [model_of(template, variant) for variant in variants]
    kinds = {None if model is None else kind_of_model(model) for model in models}
    return kinds.pop() if len(kinds) == 1 else None


def kind_of_model(model: Resource) -> str | None:
    """Return ``realtime``, ``multi-model``, ``multi-container`` or ``pipeline``; None where only a deployment knows."""
    inside = [container for _, container in containers(model)]
    modes = [container.get("Mode") for container in inside]
    if any(isinstance(mode, Unknown) for mode in modes) or not inside:
        return None
    if "MultiModel" in modes:
        return "multi-model"
    if len(inside) == 1:
        return "realtime"
    mode = model.at("InferenceExecutionConfig", "Mode")
    if isinstance(mode, Unknown):
        return None
    return "multi-container" if mode == "Direct" else "pipeline"


def environment_of(container: dict[str, Any]) -> dict[str, Any]:
    """Return the environment variables of a container; values that only a deployment knows are ``UNKNOWN``."""
    written = container.get("Environment")
    return written if isinstance(written, dict) else {}
