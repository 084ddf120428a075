"""What this cloud does not do: the rest of ``AWS::SageMaker``, and filtering; known by name, refused by name."""

from __future__ import annotations

from typing import Any, Final

from slipway.local_cloud import ministack_seams as seams
from slipway.local_cloud.api.errors import not_modelled

_KINDS: Final = """
App AppImageConfig Cluster CodeRepository DataQualityJobDefinition Device DeviceFleet Domain FeatureGroup Image
ImageVersion InferenceExperiment MlflowTrackingServer ModelBiasJobDefinition ModelCard
ModelExplainabilityJobDefinition ModelPackage ModelPackageGroup ModelQualityJobDefinition MonitoringSchedule
NotebookInstance NotebookInstanceLifecycleConfig PartnerApp Pipeline ProcessingJob Project Space
StudioLifecycleConfig UserProfile Workteam
"""
# The emulator keeps web ACLs and lets everything through: a front that counts on one is not to think it is filtered.
_FILTERS: Final = ("AWS::WAFv2::LoggingConfiguration", "AWS::WAFv2::WebACLAssociation")
_WITHOUT: Final = "that it filters what a front is asked, so give 'front.waf.off_because' in environments/local.yaml,"


def register() -> None:
    """Make them known, so that a stack with one fails with the reason instead of as a malformed template."""
    for kind in _KINDS.split():
        _register(f"AWS::SageMaker::{kind}", f"AWS::SageMaker::{kind}")
    for name in _FILTERS:
        _register(name, f"{name}: {_WITHOUT}")


def _register(name: str, words: str) -> None:
    def refuse(*_args: Any) -> None:
        raise not_modelled(words)

    seams.add_resource_type(name, {"create": refuse, "delete": refuse}, create_only=(), name_property=None, tags=False)
