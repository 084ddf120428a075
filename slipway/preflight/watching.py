"""What alarms and scaling policies watch: a metric of hosting, and whose values of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.alarming import ALARM
from slipway.preflight.publishing import Fault, Source, fault_of, metric_of, rows, source_of
from slipway.preflight.reaching import TARGET, out_of_reach
from slipway.preflight.template import number, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import Metric
    from slipway.preflight.template import Path, Resource, Template

POLICY: Final = "AWS::ApplicationAutoScaling::ScalingPolicy"
TRACKING: Final = "TargetTrackingScalingPolicyConfiguration"
CUSTOM: Final = (TRACKING, "CustomizedMetricSpecification")
PREDEFINED: Final = (TRACKING, "PredefinedMetricSpecification", "PredefinedMetricType")
TARGET_VALUE: Final = (TRACKING, "TargetValue")
WHOSE: Final = frozenset({"EndpointName", "VariantName", "InferenceComponentName"})
PREFIX: Final = "aws/sagemaker"
OURS: Final = frozenset({PREFIX, f"{PREFIX}/endpoints", f"{PREFIX}/inferencecomponents"})


@dataclass(frozen=True)
class Watch:
    """One metric that an alarm or a scaling policy watches.

    Args:
        template: That holds it.
        resource: The alarm, or the policy.
        path: Of what holds ``MetricName``.
        settings: That.
        stat: What holds statistic, unit and period.
        compared: Whether the bound is this metric's, and not an expression's.
    """

    template: Template
    resource: Resource
    path: Path
    settings: dict[str, Any]
    stat: dict[str, Any]
    compared: bool

    @property
    def name(self) -> Any:
        """The metric's, as it was written."""
        return self.settings.get("MetricName")

    @property
    def namespace(self) -> Any:
        """The metric's, as it was written."""
        return self.settings.get("Namespace")

    @property
    def statistic(self) -> Any:
        """Which statistic, in whatever property it stands."""
        return self.stat.get(self.statistic_key)

    @property
    def statistic_key(self) -> str:
        """Which property that is."""
        given = [key for key in ("ExtendedStatistic", "Stat") if self.stat.get(key) is not None]
        return given[0] if given else "Statistic"

    @property
    def is_alarm(self) -> bool:
        """Whether it is not a policy's."""
        return self.resource.kind == ALARM

    @property
    def bound_path(self) -> Path:
        """Where it stands what the statistic is compared with."""
        return ("Threshold",) if self.is_alarm else TARGET_VALUE

    @property
    def stat_path(self) -> Path:
        """Where statistic, unit and period stand."""
        return self.path if self.stat is self.settings else self.path[:-1]

    @property
    def bound(self) -> Any:
        """What the statistic is compared with; None where an expression is."""
        return self.resource.at(*self.bound_path) if self.compared else None

    @cached_property
    def dimensions(self) -> dict[str, Any] | None:
        """Value by name; None where they are not known."""
        listed = self.settings.get("Dimensions", [])
        if not isinstance(listed, list) or not all(isinstance(value_at(each, ("Name",)), str) for each in listed):
            return None
        return {each["Name"]: each.get("Value") for each in listed}

    @cached_property
    def source(self) -> Source:
        """Who publishes it."""
        return source_of(self.template, self.dimensions or {})

    @cached_property
    def fault(self) -> Fault | None:
        """Why it has no values; None where it has, or where that is not known."""
        return fault_of(self.source, self.name, self.namespace, self._names)

    @cached_property
    def metric(self) -> Metric | None:
        """What the catalogue says of it, if it certainly has values."""
        return metric_of(self.source, self.name, self.namespace, self._names)

    @cached_property
    def out_of_reach(self) -> str | None:
        """Why the bound is never crossed, or always; None where it can be, or where that is not known."""
        comparison = self.resource.at("ComparisonOperator") if self.is_alarm else TARGET
        bound = number(self.bound)
        if self.metric is None or bound is None or not isinstance(self.statistic, str):
            return None
        return out_of_reach(self.metric, self.statistic, str(comparison), bound, self.source.machine)

    @property
    def _names(self) -> frozenset[str] | None:
        return None if self.dimensions is None else frozenset(self.dimensions)


@lru_cache(maxsize=1)
def watches(template: Template) -> tuple[Watch, ...]:
    """Every metric of hosting that an alarm or a policy of the template watches."""
    found = [watch for alarm in template.of_kind(ALARM) for watch in _held(template, alarm, ())]
    found += [watch for policy in template.of_kind(POLICY) for watch in _held(template, policy, CUSTOM)]
    return tuple(watch for watch in found if _is_hosting(watch))


@lru_cache(maxsize=1)
def watched_by(template: Template) -> dict[str, list[Watch]]:
    """What each alarm and policy watches, by its logical id."""
    found: dict[str, list[Watch]] = {}
    for watch in watches(template):
        found.setdefault(watch.resource.logical_id, []).append(watch)
    return found


def _held(template: Template, resource: Resource, path: Path) -> Iterator[Watch]:
    """Yield the metric that stands at a path, and those of the expressions there."""
    held = resource.at(*path)
    if not isinstance(held, dict):
        return
    if "MetricName" in held:
        yield Watch(template, resource, path, held, held, compared=True)
    queries = held.get("Metrics")
    listed = queries if isinstance(queries, list) else []
    returned = [query for query in listed if str(value_at(query, ("ReturnData",))).lower() != "false"]
    for index, query in enumerate(listed):
        stat, metric = value_at(query, ("MetricStat",)), value_at(query, ("MetricStat", "Metric"))
        if isinstance(stat, dict) and isinstance(metric, dict):
            here = (*path, "Metrics", index, "MetricStat", "Metric")
            yield Watch(template, resource, here, metric, stat, compared=len(returned) == 1 and returned[0] is query)


def _is_hosting(watch: Watch) -> bool:
    """Leave training, monitoring and what users publish themselves alone."""
    if not isinstance(watch.namespace, str):
        return False
    namespace = watch.namespace.strip("/").casefold()
    if watch.dimensions is None or not namespace.startswith(PREFIX) or "MonitoringSchedule" in watch.dimensions:
        return False
    known = isinstance(watch.name, str) and watch.name in rows()
    return bool(WHOSE & {*watch.dimensions}) or (known and namespace in OURS)
