"""Whether an endpoint can read an artifact that stays in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.document import Document
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.environment import EnvironmentSpec
    from slipway.specs.errors import Problem
    from slipway.specs.location import Location

MEND: Final = "build it with 'build: {keep: archive}'"


def location_problems(
    spec: AnyEndpoint, document: Document, artifacts: Mapping[str, Artifact], environment: EnvironmentSpec | None
) -> Iterator[Problem]:
    """Find artifacts that stay in S3 where an endpoint's kind, account or region cannot read them."""
    there = {model: place for model, it in artifacts.items() if (place := it.locked.read_at) is not None}
    for where, model in spec.hosted_models():
        if model not in there:
            continue
        made = artifacts[model].locked.optimized
        mend = MEND if made is None else "remove its 'optimize'" if made.archive is None else "remove its 'neo'"
        keys: Keys = tuple(int(part) if part.isdigit() else part for part in where.split("."))
        if isinstance(spec, ServerlessEndpointSpec | MultiModelEndpointSpec):
            how = "unpacked in S3" if made is None or made.archive is None else "in S3 as Neo left it"
            message = f"the artifact of '{model}' lies {how}, where {spec.kind} reads none: {mend}"
            yield document.problem(keys, message)
        elif environment is not None and (message := _elsewhere(there[model], environment)) != "":
            yield document.problem(keys, f"the artifact of '{model}' lies in {message}: {mend}, or build it there")


def _elsewhere(place: Location, environment: EnvironmentSpec) -> str:
    if place.account != environment.account:
        return f"account {place.account}, and the endpoint is of {environment.account}"
    return "" if place.region == environment.region else f"{place.region}, and the endpoint is in {environment.region}"
