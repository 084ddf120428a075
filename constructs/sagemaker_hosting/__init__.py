"""Constructs that host models on Amazon SageMaker."""

from sagemaker_hosting.alarm_topic import AlarmTopic
from sagemaker_hosting.async_endpoint import AsyncEndpoint
from sagemaker_hosting.async_front import AsyncFront
from sagemaker_hosting.capture_bucket import CaptureBucket
from sagemaker_hosting.encryption_key import EncryptionKey
from sagemaker_hosting.environment_dashboard import EnvironmentDashboard
from sagemaker_hosting.gateway_logging import GatewayLogging
from sagemaker_hosting.inference_components_endpoint import InferenceComponentsEndpoint
from sagemaker_hosting.invocation_front import InvocationFront
from sagemaker_hosting.model_builds import ModelBuilds
from sagemaker_hosting.multi_container_endpoint import MultiContainerEndpoint
from sagemaker_hosting.multi_model_endpoint import MultiModelEndpoint
from sagemaker_hosting.oversight import Oversight
from sagemaker_hosting.pipeline_endpoint import PipelineEndpoint
from sagemaker_hosting.preflight_plugin import Preflight
from sagemaker_hosting.realtime_endpoint import RealtimeEndpoint
from sagemaker_hosting.serverless_endpoint import ServerlessEndpoint
from sagemaker_hosting.shared_resources import SharedResources
from sagemaker_hosting.site import Site
from sagemaker_hosting.vpc_endpoints import VpcEndpoints

__all__ = [
    "AlarmTopic",
    "AsyncEndpoint",
    "AsyncFront",
    "CaptureBucket",
    "EncryptionKey",
    "EnvironmentDashboard",
    "GatewayLogging",
    "InferenceComponentsEndpoint",
    "InvocationFront",
    "ModelBuilds",
    "MultiContainerEndpoint",
    "MultiModelEndpoint",
    "Oversight",
    "PipelineEndpoint",
    "Preflight",
    "RealtimeEndpoint",
    "ServerlessEndpoint",
    "SharedResources",
    "Site",
    "VpcEndpoints",
]
