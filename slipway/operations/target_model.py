"""What a multi-model endpoint calls the model that is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.specs import MultiModelEndpointSpec, UsageError
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from slipway.specs import Deployment

ENDING: Final = ".tar.gz"


def target_model(deployment: Deployment, endpoint: str, model: str | None) -> str | None:
    """Return the archive that an endpoint knows a model by; None where it hosts only one.

    Args:
        deployment: The environment that the endpoint runs in.
        endpoint: By the name of its file; one that there is.
        model: As a user names it: a model of ours, or an archive below the endpoint's prefix.

    Raises:
        UsageError: If a model is named where there is nothing to choose, or none or another where there is.
    """
    spec = deployment.endpoints[endpoint]
    if not isinstance(spec, MultiModelEndpointSpec):
        if model is not None:
            raise UsageError(f"'{endpoint}' is of kind {spec.kind} and hosts no models to choose from: remove --model")
        return None
    known = f"one of {', '.join(spec.models)}" if spec.models is not None else f"an archive below {spec.prefix}"
    if model is None:
        raise UsageError(f"'{endpoint}' hosts several models: choose {known} with --model")
    if spec.models is not None and model not in spec.models:
        raise UsageError(f"'{endpoint}' hosts no '{model}'{did_you_mean(model, spec.models)} ({known})")
    return model if model.endswith(ENDING) else f"{model}{ENDING}"
