"""What a platform engineer writes: ``endpoints/<name>.yaml``. A new kind is one more member of the union."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from slipway.specs.async_endpoint import AsyncEndpointSpec
from slipway.specs.inference_components_endpoint import InferenceComponentsEndpointSpec
from slipway.specs.multi_container_endpoint import MultiContainerEndpointSpec
from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
from slipway.specs.pipeline_endpoint import PipelineEndpointSpec
from slipway.specs.realtime import RealtimeEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec

AnyEndpoint = (
    RealtimeEndpointSpec
    | AsyncEndpointSpec
    | ServerlessEndpointSpec
    | MultiModelEndpointSpec
    | MultiContainerEndpointSpec
    | PipelineEndpointSpec
    | InferenceComponentsEndpointSpec
)
EndpointSpec = Annotated[AnyEndpoint, Field(discriminator="kind")]
