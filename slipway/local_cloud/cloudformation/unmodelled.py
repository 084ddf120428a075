"""The rest of ``AWS::SageMaker``: known by name, refused by name."""

from __future__ import annotations

from typing import Any, Final

from slipway.local_cloud import ministack_seams as seams
from slipway.local_cloud.api.errors import not_modelled

_KINDS: Final = """
App AppImageConfig Cluster CodeRepository DataQualityJobDefinition Device DeviceFleet Domain FeatureGroup Image
ImageVersion InferenceComponent InferenceExperiment MlflowTrackingServer ModelBiasJobDefinition ModelCard
ModelExplainabilityJobDefinition ModelPackage ModelPackageGroup ModelQualityJobDefinition MonitoringSchedule
NotebookInstance NotebookInstanceLifecycleConfig PartnerApp Pipeline ProcessingJob Project Space
StudioLifecycleConfig UserProfile Workteam
"""


def register() -> None:
    """Make them known, so that a stack with one fails with the reason instead of as a malformed template."""
    for kind in _KINDS.split():
        _register(f"AWS::SageMaker::{kind}")


def _register(name: str) -> None:
    def refuse(*_args: Any) -> None:
        raise not_modelled(name)

    seams.add_resource_type(name, {"create": refuse, "delete": refuse}, create_only=(), name_property=None, tags=False)
