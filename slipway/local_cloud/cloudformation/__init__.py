"""SageMaker hosting, Application Auto Scaling and composite alarms as CloudFormation resource types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.local_cloud import ministack_seams as seams

from . import component, composite_alarm, endpoint, scaling, sets, unmodelled

if TYPE_CHECKING:
    from slipway.local_cloud.api.autoscaling import AutoScaling
    from slipway.local_cloud.api.definitions import Definitions
    from slipway.local_cloud.api.endpoints import Endpoints
    from slipway.local_cloud.api.inference_components import InferenceComponents
    from slipway.local_cloud.hosting import Hosting


def register(
    definitions: Definitions,
    endpoints: Endpoints,
    components: InferenceComponents,
    autoscaling: AutoScaling,
    hosting: Hosting,
    url: str,
) -> None:
    """Make our resource types known to the emulator, which answers at ``url``; their handlers run on worker threads."""
    seams.run_on_worker_threads(
        ("AWS::SageMaker::", "AWS::ApplicationAutoScaling::", "AWS::CloudWatch::CompositeAlarm")
    )
    sets.register(definitions, hosting.store)
    endpoint.register(endpoints, hosting)
    component.register(components)
    scaling.register(autoscaling, hosting.store)
    composite_alarm.register(url)
    unmodelled.register()
