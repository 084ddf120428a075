from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sagemaker_hosting.metric_alarm import Origin, metric_alarm, threshold
from slipway.catalog import instance_types
from slipway.catalog.alarms import ROLLBACK_RUNBOOK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import Construct

    from sagemaker_hosting.site import Site
    from slipway.catalog import Alarm, InstanceType
    from slipway.specs.base import Spec

RUNBOOKS: Final = "docs/runbooks/"


@dataclass(frozen=True)
class Watched:
    """One operating alarm, and what it was made from.

    Args:
        resource: In the template.
        alarm: What it watches.
        origin: Whose values.
        threshold: In the metric's own unit.
    """

    resource: cloudwatch.CfnAlarm
    alarm: Alarm
    origin: Origin
    threshold: float


class EndpointWatch:
    """Defines the alarms of one endpoint, and remembers those by which it is judged.

    Args:
        kind: Of the endpoint.
        endpoint_name: Its name in the account.
        fleets: Instance type by variant; None where there is no machine to choose.
        site: Its topic hears every alarm; its runbooks are named in them.
    """

    def __init__(self, *, kind: str, endpoint_name: str, fleets: Mapping[str, str | None], site: Site) -> None:
        self.kind = kind
        self.endpoint_name = endpoint_name
        self.fleets = fleets
        self.components: list[str] = []
        self.operating: list[Watched] = []
        self._site = site

    @property
    def topic_arn(self) -> str:
        """Who hears of everything."""
        return self._site.shared.alarm_topic_arn

    def machine(self, variant: str) -> InstanceType | None:
        """Return what a variant's machines are; None where there is nothing to choose."""
        name = self.fleets[variant]
        return None if name is None else instance_types()[name]

    def add(
        self, scope: Construct, alarm: Alarm, *, bound: float, dimensions: Mapping[str, str], whose: str
    ) -> cloudwatch.CfnAlarm:
        """Define an alarm on the endpoint in operation.

        Args:
            scope: Gets it under the alarm's name.
            alarm: What is watched.
            bound: In the alarm's unit.
            dimensions: Besides the endpoint's name where the metric has that.
            whose: What it is called in the description.
        """
        origin = self._origin(alarm, dimensions)
        resource = metric_alarm(
            scope,
            alarm.name,
            actions=[self.topic_arn],
            alarm=alarm,
            bound=bound,
            description=self.describe(alarm.words.format(bound=bound, whose=whose), alarm.runbook),
            origin=origin,
        )
        self.operating.append(Watched(resource, alarm, origin, threshold(alarm, origin, bound)))
        return resource

    def add_rollback(
        self, scope: Construct, alarm: Alarm, *, bound: float, variant: str, endpoint_config_name: str
    ) -> cloudwatch.CfnAlarm:
        """Define an alarm on the fleet of one endpoint config alone, for a rollout that it shall call back.

        In a rollout a minute is enough: a wrong way back costs a deployment, a wrong release costs the callers.
        """
        words = alarm.words.format(bound=bound, whose=variant)
        return metric_alarm(
            scope,
            alarm.name,
            actions=[self.topic_arn],
            alarm=alarm,
            bound=bound,
            description=self.describe(f"in the new fleet, {words}", ROLLBACK_RUNBOOK),
            origin=self._origin(alarm, {"VariantName": variant, "EndpointConfigName": endpoint_config_name}),
            soon=True,
        )

    def add_component_rollback(
        self, scope: Construct, alarm: Alarm, *, bound: float, component: str
    ) -> cloudwatch.CfnAlarm:
        """Define an alarm on an inference component for its own update, whose copies share its metrics with the old.

        As of a new fleet, a minute is enough.
        """
        words = alarm.words.format(bound=bound, whose=component)
        return metric_alarm(
            scope,
            alarm.name,
            actions=[self.topic_arn],
            alarm=alarm,
            bound=bound,
            description=self.describe(f"for its updates, {words}", ROLLBACK_RUNBOOK),
            origin=self._origin(alarm, {"InferenceComponentName": component}),
            soon=True,
        )

    def add_wake_up(
        self, scope: Construct, alarm: Alarm, *, policy_arn: str, dimensions: Mapping[str, str], whose: str = ""
    ) -> cloudwatch.CfnAlarm:
        """Define the alarm that calls a scaling policy when requests come and nothing is there to answer them."""
        return metric_alarm(
            scope,
            alarm.name,
            actions=[policy_arn],
            alarm=alarm,
            bound=1,
            description=self.describe(alarm.words.format(whose=whose), alarm.runbook),
            origin=self._origin(alarm, dimensions),
        )

    def describe(self, words: str, runbook: str) -> str:
        """Return an alarm's description: whose it is, what has happened, where to read on."""
        prefix = self._site.environment.runbooks or RUNBOOKS
        return f"{self.endpoint_name}: {words}. Runbook: {prefix}{runbook}.md"

    def _origin(self, alarm: Alarm, dimensions: Mapping[str, str]) -> Origin:
        of_endpoint = {"EndpointName": self.endpoint_name} if "EndpointName" in alarm.dimensions else {}
        variant = dimensions.get("VariantName")
        machine = None if variant is None else self.machine(variant)
        return Origin(self.kind, {**of_endpoint, **dimensions}, machine)


def bounded(bounds: Spec, alarms: Sequence[Alarm]) -> list[tuple[Alarm, float]]:
    """Return those alarms that a spec gives a bound, with it."""
    keys = type(bounds).model_fields
    found = [(alarm, getattr(bounds, alarm.key)) for alarm in alarms if alarm.key in keys]
    return [(alarm, bound) for alarm, bound in found if bound is not None]
