"""What users write and what builds record, validated.

Errors are imported at once, the rest when it is asked for: commands that read no spec start twice as fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from slipway.specs.errors import (
    GateError,
    HostError,
    InterruptedByUser,
    Problem,
    SlipwayError,
    SpecError,
    UsageError,
)

if TYPE_CHECKING:
    from slipway.specs.artifact import Artifact
    from slipway.specs.async_endpoint import AsyncEndpointSpec
    from slipway.specs.deployment import Deployment
    from slipway.specs.environment import EnvironmentSpec
    from slipway.specs.inference_components_endpoint import InferenceComponentsEndpointSpec
    from slipway.specs.language_artifact import (
        ANSWER_TOKENS,
        LanguageFacts,
        PlannedDegree,
        ServedFile,
        ServedLanguageModel,
        files_sha256,
        listing_sha256,
    )
    from slipway.specs.llm import Llm
    from slipway.specs.lock import Lock, LockedModel
    from slipway.specs.manifest import (
        Archive,
        BenchmarkRow,
        Classify,
        Embed,
        FloatLayer,
        Generate,
        Manifest,
        Mixture,
        PassTensor,
        Proof,
        ReturnTensor,
        Rewrite,
        ServedModel,
        ServerFigures,
        TensorSpec,
        Tokenize,
        Tried,
    )
    from slipway.specs.model import Calibrate, ModelSpec, Target
    from slipway.specs.multi_container_endpoint import MultiContainerEndpointSpec
    from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
    from slipway.specs.pipeline_endpoint import PipelineEndpointSpec
    from slipway.specs.project import Project
    from slipway.specs.realtime import RealtimeEndpointSpec
    from slipway.specs.serverless import ServerlessEndpointSpec
    from slipway.specs.shrink import SHRINKING, Distill, Prune
    from slipway.specs.task import Task

_HOMES = {
    "ANSWER_TOKENS": "language_artifact",
    "Artifact": "artifact",
    "AsyncEndpointSpec": "async_endpoint",
    "Calibrate": "model",
    "SHRINKING": "shrink",
    "Deployment": "deployment",
    "Distill": "shrink",
    "Prune": "shrink",
    "EnvironmentSpec": "environment",
    "InferenceComponentsEndpointSpec": "inference_components_endpoint",
    "LanguageFacts": "language_artifact",
    "Llm": "llm",
    "Lock": "lock",
    "LockedModel": "lock",
    "ModelSpec": "model",
    "MultiContainerEndpointSpec": "multi_container_endpoint",
    "MultiModelEndpointSpec": "multi_model_endpoint",
    "PipelineEndpointSpec": "pipeline_endpoint",
    "PlannedDegree": "language_artifact",
    "Project": "project",
    "RealtimeEndpointSpec": "realtime",
    "ServedFile": "language_artifact",
    "ServedLanguageModel": "language_artifact",
    "ServerlessEndpointSpec": "serverless",
    "Target": "model",
    "Task": "task",
    "files_sha256": "language_artifact",
    "listing_sha256": "language_artifact",
}
"""Everything else is of the manifest."""

__all__ = [
    "ANSWER_TOKENS",
    "SHRINKING",
    "Archive",
    "Artifact",
    "AsyncEndpointSpec",
    "BenchmarkRow",
    "Calibrate",
    "Classify",
    "Deployment",
    "Distill",
    "Embed",
    "EnvironmentSpec",
    "FloatLayer",
    "GateError",
    "Generate",
    "HostError",
    "InferenceComponentsEndpointSpec",
    "InterruptedByUser",
    "LanguageFacts",
    "Llm",
    "Lock",
    "LockedModel",
    "Manifest",
    "Mixture",
    "ModelSpec",
    "MultiContainerEndpointSpec",
    "MultiModelEndpointSpec",
    "PassTensor",
    "PipelineEndpointSpec",
    "PlannedDegree",
    "Problem",
    "Project",
    "Proof",
    "Prune",
    "RealtimeEndpointSpec",
    "ReturnTensor",
    "Rewrite",
    "ServedFile",
    "ServedLanguageModel",
    "ServedModel",
    "ServerFigures",
    "ServerlessEndpointSpec",
    "SlipwayError",
    "SpecError",
    "Target",
    "Task",
    "TensorSpec",
    "Tokenize",
    "Tried",
    "UsageError",
    "files_sha256",
    "listing_sha256",
]

if not TYPE_CHECKING:  # so that a name that there is not is found by mypy

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'manifest')}"), name)
        globals()[name] = value
        return value
