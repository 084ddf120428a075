"""A bad model goes back because its own alarm fired: real servers, real metrics, real alarms."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import onnx
import pytest
from botocore.exceptions import ClientError
from onnx import TensorProto, helper, numpy_helper

from tests.local_cloud.conftest import classifier, eventually, manifest, packed
from tests.local_cloud.test_metrics import drained, state, statistics, watch

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Aws

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

ONES = json.dumps({"inputs": [np.ones((1, 8, 8)).tolist()]}).encode()
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 30},
            "WaitIntervalInSeconds": 600,
        }
    }
}


def archive(model: onnx.ModelProto) -> bytes:
    return packed({"model.onnx": model.SerializeToString(), "manifest.json": json.dumps(manifest(2)).encode()})


def with_nodes(nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto]) -> onnx.ModelProto:
    """The classifier that finds a 2, with something added to its logits that is made from the image's sum."""
    model = onnx.load_from_string(classifier(2))
    graph = model.graph
    graph.node[-1].output[0] = "plain"
    graph.node.append(helper.make_node("ReduceSum", ["image"], ["sum"], keepdims=0))
    graph.node.extend(nodes)
    graph.node.append(helper.make_node("Add", ["plain", "more"], ["logits"]))
    graph.initializer.extend(weights)
    return model


def slow_model() -> bytes:
    """It multiplies matrices that depend on the image, for a good while."""
    weights = [
        numpy_helper.from_array(np.array([1500, 1500], dtype=np.int64), "shape"),
        numpy_helper.from_array(np.array(0, dtype=np.float32), "zero"),
    ]
    nodes = [helper.make_node("Expand", ["sum", "shape"], ["m0"])]
    nodes += [helper.make_node("MatMul", [f"m{step}", "m0"], [f"m{step + 1}"]) for step in range(4)]
    nodes += [
        helper.make_node("ReduceMin", ["m4"], ["least"], keepdims=0),
        helper.make_node("Mul", ["least", "zero"], ["more"]),
    ]
    return archive(with_nodes(nodes, weights))


def failing_model() -> bytes:
    """It looks up an entry that only a black image has: its own example works, a white image does not."""
    weights = [numpy_helper.from_array(np.zeros(10, dtype=np.float32), "table")]
    nodes = [
        helper.make_node("Cast", ["sum"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["more"]),
    ]
    return archive(with_nodes(nodes, weights))


class Callers:
    """Callers who ask one after the other and note what they got, and when they had asked for it."""

    def __init__(self, aws: Aws, endpoint: str) -> None:
        self.answers: list[tuple[float, str]] = []
        self.errors: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(aws, endpoint)) for _ in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def labels(self, since: float = 0.0) -> list[str]:
        return [label for asked, label in self.answers if asked >= since]

    def _ask(self, aws: Aws, endpoint: str) -> None:
        while not self._stop.is_set():
            time.sleep(0.02)
            try:
                asked = time.monotonic()
                self.answers.append((asked, aws.label(endpoint, Body=ONES)))
            except Exception as error:  # noqa: BLE001  every failure counts
                self.errors.append(error)


def serve(aws: Aws, name: str, bad: bytes) -> None:
    aws.model(f"{name}-good", 1)
    aws.model(f"{name}-bad", content=bad)
    for version in ("good", "bad"):
        aws.config(f"{name}-{version}", {"ModelName": f"{name}-{version}", "VariantName": "main"})
    aws.endpoint(name, f"{name}-good")


def update(aws: Aws, name: str, alarm: str) -> None:
    deployment = {**CANARY, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}
    aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-bad", DeploymentConfig=deployment)


def listen(aws: Aws, name: str) -> str:
    """A queue that hears what SageMaker tells EventBridge of an endpoint."""
    sqs, events = aws.client("sqs"), aws.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"EndpointName": [name]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return str(queue)


def test_slow_model_goes_back_by_its_own_alarm_and_no_request_fails(aws: Aws) -> None:
    queue = listen(aws, "slow")
    serve(aws, "slow", slow_model())
    watch(
        *(aws, "slow-p99", "slow"),
        MetricName="ModelLatency",
        Statistic=None,
        ExtendedStatistic="p99",
        Period=60,
        Threshold=100_000,
        Dimensions={"EndpointConfigName": "slow-bad"},
    )
    with Callers(aws, "slow") as callers:
        eventually(lambda: len(callers.answers) > 20)
        began = time.monotonic()
        update(aws, "slow", "slow-p99")
        found = aws.settled("slow")
        settled = time.monotonic()
        eventually(lambda: len(callers.labels(settled)) > 20)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "slow-good")
    assert "slow-p99" in found["FailureReason"]
    assert callers.errors == []
    assert set(callers.labels()) == {"1", "2"}
    assert set(callers.labels(settled)) == {"1"}
    assert settled - began < 300  # the canary was to bake for ten minutes
    assert state(aws, "slow-p99") == "ALARM"
    told: list[tuple[str, str]] = []

    def states() -> list[str]:
        told.extend((event["detail-type"], event["detail"]["EndpointStatus"]) for event in heard(aws, queue))
        return [status for kind, status in told if kind == "SageMaker Endpoint State Change"]

    eventually(lambda: states() == ["CREATING", "IN_SERVICE", "UPDATING", "ROLLING_BACK", "IN_SERVICE"])
    deployments = [status for kind, status in told if kind == "SageMaker Endpoint Deployment State Change"]
    assert deployments == ["UPDATING", "ROLLING_BACK"]


def heard(aws: Aws, queue: str) -> list[Any]:
    events = [json.loads(message["Body"]) for message in drained(aws.client("sqs"), queue)]
    for event in events:
        assert event["source"] == "aws.sagemaker"
        assert event["resources"] == ["arn:aws:sagemaker:us-east-1:000000000000:endpoint/slow"]
    return events


def test_failing_model_goes_back_and_only_its_own_requests_fail(aws: Aws) -> None:
    serve(aws, "failing", failing_model())
    dimensions = {"EndpointConfigName": "failing-bad"}
    watch(
        *(aws, "failing-errors", "failing"),
        MetricName="Invocation5XXErrors",
        Period=60,
        Threshold=0.05,
        Dimensions=dimensions,
    )
    with Callers(aws, "failing") as callers:
        eventually(lambda: len(callers.answers) > 20)
        update(aws, "failing", "failing-errors")
        found = aws.settled("failing")
        settled = time.monotonic()
        eventually(lambda: len(callers.labels(settled)) > 20)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "failing-good")
    assert "failing-errors" in found["FailureReason"]
    assert set(callers.labels()) == {"1"}
    assert callers.errors
    for error in callers.errors:
        assert isinstance(error, ClientError)
        assert error.response["Error"]["Code"] == "ModelError"
        assert error.response["OriginalStatusCode"] == 500
    main = {"VariantName": "main"}
    of_bad = {**main, **dimensions}
    eventually(lambda: statistics(aws, "Invocation5XXErrors", "failing", **of_bad)["Sum"] == len(callers.errors))
    assert statistics(aws, "Invocation5XXErrors", "failing", **main, EndpointConfigName="failing-good")["Sum"] == 0


def test_good_model_goes_all_the_way_under_the_same_alarm(aws: Aws) -> None:
    aws.model("well-old", 1)
    aws.model("well-new", 2)
    for version in ("old", "new"):
        aws.config(f"well-{version}", {"ModelName": f"well-{version}", "VariantName": "main"})
    aws.endpoint("well", "well-old")
    dimensions = {"EndpointConfigName": "well-new"}
    watch(aws, "well-errors", "well", MetricName="Invocation5XXErrors", Period=60, Dimensions=dimensions)
    quick = {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 30}, "WaitIntervalInSeconds": 3}
    deployment = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": quick},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "well-errors"}]},
    }
    with aws.firing("well", threads=2) as fired:
        aws.sagemaker.update_endpoint(EndpointName="well", EndpointConfigName="well-new", DeploymentConfig=deployment)
        assert aws.settled("well")["EndpointConfigName"] == "well-new"
    assert not fired.errors
    assert state(aws, "well-errors") == "OK"
