"""Every alarm that we define, driven into ALARM and back by values that SageMaker would publish, in its own units.

What is published here is worked out anew from the specs' bounds, never read from the alarms: a threshold in
milliseconds where CloudWatch has microseconds leaves its alarm where it is.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from aws_cdk import App, DefaultStackSynthesizer, Environment, Stack
from constructs import Construct

from sagemaker_hosting import SharedResources, Site
from sagemaker_hosting.component_alarms import ComponentAlarms
from sagemaker_hosting.endpoint_alarms import EndpointAlarms
from sagemaker_hosting.endpoint_watch import EndpointWatch
from sagemaker_hosting.unhealthy_alarm import UnhealthyAlarm
from slipway import local_cloud
from slipway.catalog import alarms as every_alarm
from slipway.catalog.alarms import COMPONENT_WAKE_UP
from slipway.specs import EnvironmentSpec, Project
from slipway.specs.alarms import Alarms, MultiModelAlarms
from tests.local_cloud.conftest import PATIENCE_SECONDS, eventually
from tests.stacks.conftest import REPOSITORY, lock, source_root, synthesise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
TOPIC: Final = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
POLICY: Final = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:it"
CONFIG: Final = "config-of-the-new-fleet"
MINUTE_SECONDS: Final = 1.5
EXAMPLES: Final = sorted(Project(REPOSITORY).deployment("local", with_artifacts=False).endpoints)
EVERY: Final = {
    "error_rate": 0.02,
    "p99_latency_ms": 200,
    "client_error_rate": 0.2,
    "cpu_percent": 85,
    "memory_percent": 88,
    "disk_percent": 75,
    "gpu_percent": 92,
    "gpu_memory_percent": 90,
}
CPU = {"name": "cpu", "model": "digits", "instance_type": "ml.c7i.2xlarge"}
GPU = {"name": "gpu", "model": "digits", "instance_type": "ml.g5.12xlarge"}
BROAD: Final[dict[str, dict[str, Any]]] = {
    "all-realtime": {"kind": "realtime", "variants": [CPU, GPU], "alarms": {**EVERY, "model_error_rate": 0.05}},
    "all-async": {
        "kind": "async",
        "model": "digits",
        "instance_type": "ml.g5.12xlarge",
        "scaling": {"instances": {"min": 0, "max": 2}, "target": 3},
        "alarms": {**EVERY, "oldest_request_seconds": 300, "failed_requests": 3},
    },
    "all-serverless": {
        "kind": "serverless",
        "model": "digits",
        "alarms": {"error_rate": 0.02, "memory_percent": 80, "cold_start_ms": 4000, "concurrency_share": 0.9},
    },
}
MULTI_MODEL = MultiModelAlarms(cache_hit_rate=0.8, loading_wait_ms=1500)
COMPONENT = Alarms(**{**EVERY, "model_error_rate": 0.05})
# Source: the instance pages of Amazon EC2.
CORES: Final = {"ml.c7i.xlarge": 4, "ml.c7i.2xlarge": 8, "ml.g5.12xlarge": 48}
GPUS: Final = {"ml.g5.12xlarge": 4}
# How many of a thousand requests, how many microseconds, how many percent of all cores: for each metric the key of its
# bound, CloudWatch's unit, and how much of that unit one of the key's is. Source: SageMaker's guide on its metrics.
MEASURED: Final[dict[str, tuple[str | None, str, float]]] = {
    "Invocation5XXErrors": ("error_rate", "None", 1),
    "Invocation4XXErrors": ("client_error_rate", "None", 1),
    "InvocationModelErrors": ("model_error_rate", "None", 1),
    "ModelLatency": ("p99_latency_ms", "Microseconds", 1000),
    "CPUUtilization": ("cpu_percent", "Percent", 1),
    "MemoryUtilization": ("memory_percent", "Percent", 1),
    "DiskUtilization": ("disk_percent", "Percent", 1),
    "GPUUtilization": ("gpu_percent", "Percent", 1),
    "GPUMemoryUtilization": ("gpu_memory_percent", "Percent", 1),
    "CPUUtilizationNormalized": ("cpu_percent", "Percent", 1),
    "MemoryUtilizationNormalized": ("memory_percent", "Percent", 1),
    "GPUUtilizationNormalized": ("gpu_percent", "Percent", 1),
    "GPUMemoryUtilizationNormalized": ("gpu_memory_percent", "Percent", 1),
    "ModelSetupTime": ("cold_start_ms", "Microseconds", 1000),
    "ServerlessConcurrentExecutionsUtilization": ("concurrency_share", "None", 1),
    "ModelLoadingWaitTime": ("loading_wait_ms", "Microseconds", 1000),
    "ModelCacheHit": ("cache_hit_rate", "None", 1),
    "ApproximateAgeOfOldestRequest": ("oldest_request_seconds", "Seconds", 1),
    "InvocationFailures": ("failed_requests", "Count", 1),
    "ExpiredRequests": ("failed_requests", "Count", 1),
    "HasBacklogWithoutCapacity": (None, "Count", 1),
    "NoCapacityInvocationFailures": (None, "None", 1),
}
ONE_OR_NONE: Final = {"Invocation5XXErrors", "Invocation4XXErrors", "InvocationModelErrors", "ModelCacheHit"}
COUNTED: Final = {"InvocationFailures", "ExpiredRequests"}
REQUESTS: Final = 1000


@dataclass(frozen=True)
class Driven:
    """One alarm as the cloud knows it, and how to drive it."""

    endpoint: str
    alarm: dict[str, Any]
    bound: float
    unit: str
    scale: float

    @property
    def name(self) -> str:
        return str(self.alarm["AlarmName"])

    @property
    def of_rollback(self) -> bool:
        return "EndpointConfigName" in {entry["Name"] for entry in self.alarm["Dimensions"]}

    def values(self, *, bad: bool) -> dict[float, int]:
        """What a minute of it looks like: each value with how often it comes."""
        metric, inverse = self.alarm["MetricName"], self.alarm["MetricName"] == "ModelCacheHit"
        if metric in ONE_OR_NONE:
            share = self.bound * (0.9 if inverse else 1.1) if bad else self.bound * (1.1 if inverse else 0.9)
            ones = round(share * REQUESTS)
            return {1.0: ones, 0.0: REQUESTS - ones}
        if metric in COUNTED:
            return {1.0: int(self.bound) + (1 if bad else 0)}
        if metric == "ModelLatency":  # two slow requests in a hundred, the others quick
            slow = self.bound * self.scale * (1.05 if bad else 0.95)
            return {self.bound * self.scale * 0.1: 98, slow: 2}
        if MEASURED[metric][0] is None:
            return {float(bad): 1}
        return {self.bound * self.scale * (1.05 if bad else 0.95): 1}

    def data(self, *, bad: bool, now: float, dimensions: list[dict[str, str]] | None = None) -> list[dict[str, Any]]:
        """Data of every minute that it looks at; requests that are counted, of one."""
        values = self.values(bad=bad)
        minutes = 1 if self.alarm["MetricName"] in COUNTED else self.alarm["EvaluationPeriods"]
        return [
            {
                "MetricName": self.alarm["MetricName"],
                "Dimensions": self.alarm["Dimensions"] if dimensions is None else dimensions,
                "Timestamp": now - (minute + 0.1) * MINUTE_SECONDS,
                "Unit": self.unit,
                "Values": list(values),
                "Counts": list(values.values()),
            }
            for minute in range(minutes)
        ]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, _no_aws_settings: None) -> Iterator[local_cloud.Cloud]:
    """A cloud of its own, in whose alarms a minute takes a second and a half."""
    started = local_cloud.start(tmp_path_factory.mktemp("hasty"), leash=True, minute_seconds=MINUTE_SECONDS)
    yield started
    local_cloud.stop(started)


def project(root: Path) -> Path:
    """The repository's own endpoints and the broad ones."""
    for folder in ("endpoints", "environments", "models"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, spec in BROAD.items():
        (root / "endpoints" / f"{name}.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    lock(root)
    return root


def specs(root: Path) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """Each endpoint's bounds with their defaults, and the instance type of each variant."""
    from slipway.specs import Project

    found = {}
    for name, spec in Project(root).deployment("local").endpoints.items():
        fleets = {variant.name: variant.instance_type for variant in getattr(spec, "variants", ())}
        if not fleets:
            fleets = {"AllTraffic": getattr(spec, "instance_type", "")}
        found[name] = (spec.alarms.model_dump(), fleets)
    return found


def other_kinds() -> dict[str, Any]:
    """The alarms of kinds whose constructs need more than alarms; these come through the same doors."""
    app = App(analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = Stack(app, "others", env=Environment(account=ACCOUNT, region=REGION))
    site = Site(
        environment=EnvironmentSpec(account=ACCOUNT, region=REGION),
        shared=SharedResources(alarm_topic_arn=TOPIC, capture_bucket="capture", key_arn="key"),
        source_root=Path(),
        uploads=DefaultStackSynthesizer(),
    )
    for kind, bounds in (("multi-model", MULTI_MODEL), ("inference-components", Alarms())):
        scope = Construct(stack, kind)
        watch = EndpointWatch(endpoint_name=kind, fleets={"AllTraffic": "ml.c7i.xlarge"}, kind=kind, site=site)
        EndpointAlarms(scope, "Alarms", bounds=bounds, watch=watch)
        if kind == "inference-components":
            ComponentAlarms(scope, "Of", bounds=COMPONENT, component="component", gpus=True, watch=watch)
            watch.add_wake_up(
                scope, COMPONENT_WAKE_UP, dimensions={"InferenceComponentName": "component"}, policy_arn=POLICY
            )
        UnhealthyAlarm(scope, "Unhealthy", name=f"{kind}-unhealthy", watch=watch)
    made: dict[str, Any] = app.synth().get_stack_by_name("others").template
    return made


def alarms_alone(value: Any) -> Any:
    """A template's alarms, with what lies outside as it would be."""
    if isinstance(value, list):
        return [alarms_alone(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::ImportValue" in value:
        return TOPIC
    if "Fn::GetAtt" in value and value["Fn::GetAtt"][1] == "EndpointConfigName":
        return CONFIG
    if "WakeUpPolicy" in str(value.get("Ref", "")):
        return POLICY
    return {key: alarms_alone(item) for key, item in value.items() if key != "DependsOn"}


def deploy(cloudformation: Any, name: str, template: dict[str, Any]) -> None:
    resources = {
        logical_id: alarms_alone(entry)
        for logical_id, entry in template["Resources"].items()
        if entry["Type"] in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    }
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    end = time.monotonic() + PATIENCE_SECONDS
    while (status := cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]) != "CREATE_COMPLETE":
        assert time.monotonic() < end, status
        assert "ROLLBACK" not in status, reasons(cloudformation, name)
        time.sleep(0.1)


def reasons(cloudformation: Any, name: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason")]


def described(cloudwatch: Any) -> dict[str, dict[str, Any]]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return {one["AlarmName"]: one for page in pages for one in (*page["MetricAlarms"], *page["CompositeAlarms"])}


def driven(alarm: dict[str, Any], found: dict[str, tuple[dict[str, Any], dict[str, str]]]) -> Driven:
    dimensions = {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]}
    component = dimensions.get("InferenceComponentName")
    endpoint = dimensions["EndpointName"] if component is None else component.rpartition("-")[0]
    endpoint = endpoint or "inference-components"
    bounds, fleets = found[endpoint]
    key, unit, scale = MEASURED[alarm["MetricName"]]
    machine = fleets.get(dimensions.get("VariantName", ""), "")
    parts = {"CPUUtilization": CORES, "GPUUtilization": GPUS, "GPUMemoryUtilization": GPUS}.get(alarm["MetricName"])
    bound = 0 if key is None else (COMPONENT.model_dump() if component == "component" else bounds)[key]
    return Driven(endpoint, alarm, bound, unit, scale * (1 if parts is None else parts[machine]))


class Simulation:
    """All alarms of one cloud, and the queue that hears them."""

    def __init__(self, aws: Aws, found: dict[str, tuple[dict[str, Any], dict[str, str]]]) -> None:
        self.cloudwatch = aws.client("cloudwatch")
        self._sqs = aws.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="heard")["QueueUrl"]
        aws.client("sns").subscribe(
            TopicArn=TOPIC, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:heard", ReturnSubscriptionArn=True
        )
        every = described(self.cloudwatch)
        self.composites = {name for name, one in every.items() if "AlarmRule" in one}
        self.alarms = [driven(one, found) for name, one in every.items() if name not in self.composites]

    def put(self, alarms: Sequence[Driven], *, bad: bool, elsewhere: bool = False) -> None:
        """Publish values; elsewhere: under dimensions that differ by one name, as of another endpoint or fleet."""
        now = time.time()
        batches: dict[str, list[dict[str, Any]]] = {}
        for one in alarms:
            other = [{**entry, "Value": f"not-{entry['Value']}"} for entry in one.alarm["Dimensions"]]
            dimensions = [*one.alarm["Dimensions"][:-1], other[-1]] if elsewhere else None
            batches.setdefault(one.alarm["Namespace"], []).extend(one.data(bad=bad, dimensions=dimensions, now=now))
        for namespace, data in batches.items():
            for start in range(0, len(data), 500):  # CloudWatch takes 1,000
                self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + 500])

    def states(self, alarms: Sequence[Driven]) -> dict[str, str]:
        every = described(self.cloudwatch)
        return {one.name: every[one.name]["StateValue"] for one in alarms}

    def reach(self, alarms: Sequence[Driven], state: str, *, bad: bool) -> None:
        """Publish until each of these alarms was seen in a state."""
        missing, end = {one.name for one in alarms}, time.monotonic() + PATIENCE_SECONDS
        while missing:
            assert time.monotonic() < end, f"never in {state}: {sorted(missing)}"
            self.put([one for one in alarms if one.name in missing], bad=bad)
            missing -= {name for name, now in self.states(alarms).items() if now == state}
            time.sleep(0.1)

    def follow(self, state: str, bad: Sequence[Driven] = ()) -> None:
        """Wait until each composite alarm was seen in a state, while there are bad values of these alarms."""
        missing, end = set(self.composites), time.monotonic() + PATIENCE_SECONDS
        while missing:
            assert time.monotonic() < end, f"{sorted(missing)} never in {state}"
            self.put(bad, bad=True)
            every = described(self.cloudwatch)
            missing = {name for name in missing if every[name]["StateValue"] != state}
            time.sleep(0.1)

    def heard(self) -> set[tuple[str, str]]:
        """Name and new state of every notification so far."""
        found: set[tuple[str, str]] = set()
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                told = json.loads(json.loads(message["Body"])["Message"])
                found.add((told["AlarmName"], told["NewStateValue"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def simulation(
    hasty: local_cloud.Cloud, tmp_path_factory: pytest.TempPathFactory, aws_at: Callable[[local_cloud.Cloud], Aws]
) -> Simulation:
    root = project(tmp_path_factory.mktemp("project") / "it")
    sources = source_root(tmp_path_factory.mktemp("sources"))
    templates = synthesise(root, sources, "local", tmp_path_factory.mktemp("out"))
    aws = aws_at(hasty)
    aws.client("sns").create_topic(Name="alarms")
    for name, template in {**templates, "others": other_kinds()}.items():
        if name != "slipway-local-shared":
            deploy(aws.cloudformation, name, template)
    machine = {"AllTraffic": "ml.c7i.xlarge"}
    found = {
        **specs(root),
        "multi-model": (MULTI_MODEL.model_dump(), machine),
        "inference-components": (Alarms().model_dump(), machine),
    }
    return Simulation(aws, found)


def test_every_alarm_that_can_be_defined_is_here(simulation: Simulation) -> None:
    here = {
        (one.alarm["MetricName"], frozenset(entry["Name"] for entry in one.alarm["Dimensions"]))
        for one in simulation.alarms
    }
    assert {(alarm.metric, frozenset(alarm.dimensions)) for alarm in every_alarm()} <= here
    assert {*EXAMPLES, *BROAD, "multi-model", "inference-components"} == {one.endpoint for one in simulation.alarms}


def test_every_alarm_fires_over_its_bound_and_is_over_below_it(
    simulation: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    operating = [one for one in simulation.alarms if not one.of_rollback]
    rollbacks = [one for one in simulation.alarms if one.of_rollback]

    simulation.reach(simulation.alarms, "OK", bad=False)
    simulation.put(simulation.alarms, bad=True, elsewhere=True)
    # Others' trouble is none of ours; where the machine is slow, our own last minutes may be out of sight by now.
    assert "ALARM" not in simulation.states(simulation.alarms).values()

    simulation.reach(operating, "ALARM", bad=True)
    assert "ALARM" not in simulation.states(rollbacks).values()  # the fleet in service is no reason to roll back
    simulation.follow("ALARM", bad=operating)
    simulation.reach(rollbacks, "ALARM", bad=True)

    time.sleep(6 * MINUTE_SECONDS)  # what was bad is out of sight
    simulation.reach(simulation.alarms, "OK", bad=False)
    simulation.follow("OK")

    told = {one.name for one in simulation.alarms if TOPIC in one.alarm["AlarmActions"]} | simulation.composites
    assert {one.name for one in simulation.alarms} - told == {
        one.name for one in simulation.alarms if one.alarm["AlarmActions"] == [POLICY]
    }
    heard = set[tuple[str, str]]()

    def all_told() -> bool:
        heard.update(simulation.heard())
        return {(name, state) for name in told for state in ("ALARM", "OK")} <= heard

    eventually(all_told)
    with capsys.disabled():
        print(table(simulation.alarms, heard))  # noqa: T201  the list of what was driven


def table(alarms: Sequence[Driven], heard: set[tuple[str, str]]) -> str:
    """One row for each alarm: what it watches, in which unit, where its threshold is, whether it was heard."""
    rows = sorted(
        (
            one.endpoint,
            " ".join(f"{entry['Value']}" for entry in one.alarm["Dimensions"] if entry["Name"] != "EndpointName"),
            one.alarm["MetricName"],
            one.alarm.get("ExtendedStatistic") or one.alarm["Statistic"],
            f"{one.alarm['ComparisonOperator'].removesuffix('Threshold')} {one.alarm['Threshold']:g} {one.unit}",
            "heard" if (one.name, "ALARM") in heard else "scales",
        )
        for one in alarms
    )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n" + "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )
