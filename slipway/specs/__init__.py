"""What users write and what builds record, validated."""

from slipway.specs.artifact import Artifact
from slipway.specs.async_endpoint import AsyncEndpointSpec
from slipway.specs.deployment import Deployment
from slipway.specs.environment import EnvironmentSpec
from slipway.specs.errors import (
    GateError,
    HostError,
    InterruptedByUser,
    Problem,
    SlipwayError,
    SpecError,
    UsageError,
)
from slipway.specs.inference_components_endpoint import InferenceComponentsEndpointSpec
from slipway.specs.lock import Lock, LockedModel
from slipway.specs.manifest import (
    Archive,
    BenchmarkRow,
    Classify,
    Embed,
    Manifest,
    PassTensor,
    Proof,
    ReturnTensor,
    ServedModel,
    TensorSpec,
    Tokenize,
    Tried,
)
from slipway.specs.model import Calibrate, ModelSpec, Target, Task
from slipway.specs.multi_container_endpoint import MultiContainerEndpointSpec
from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
from slipway.specs.pipeline_endpoint import PipelineEndpointSpec
from slipway.specs.project import Project
from slipway.specs.realtime import RealtimeEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec

__all__ = [
    "Archive",
    "Artifact",
    "AsyncEndpointSpec",
    "BenchmarkRow",
    "Calibrate",
    "Classify",
    "Deployment",
    "Embed",
    "EnvironmentSpec",
    "GateError",
    "HostError",
    "InferenceComponentsEndpointSpec",
    "InterruptedByUser",
    "Lock",
    "LockedModel",
    "Manifest",
    "ModelSpec",
    "MultiContainerEndpointSpec",
    "MultiModelEndpointSpec",
    "PassTensor",
    "PipelineEndpointSpec",
    "Problem",
    "Project",
    "Proof",
    "RealtimeEndpointSpec",
    "ReturnTensor",
    "ServedModel",
    "ServerlessEndpointSpec",
    "SlipwayError",
    "SpecError",
    "Target",
    "Task",
    "TensorSpec",
    "Tokenize",
    "Tried",
    "UsageError",
]
