"""What the local cloud publishes, and that alarms on it fire and calm down."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import BUCKET, REQUEST, eventually

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

WRONG = json.dumps({"inputs": [np.zeros((3, 3)).tolist()]}).encode()


def statistics(aws: Aws, name: str, endpoint: str, namespace: str = "AWS/SageMaker", **dimensions: str) -> Any:
    """All five statistics of one metric over the last ten minutes, with its unit; None where there is no data."""
    now = datetime.now(UTC)
    named = {"EndpointName": endpoint, **dimensions}
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in named.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=10),
        Period=10**10,
        Statistics=["SampleCount", "Sum", "Average", "Minimum", "Maximum"],
    )["Datapoints"]
    return found[0] if found else None


def published(aws: Aws, name: str, endpoint: str, count: int, **dimensions: str) -> Any:
    """The statistics of one metric once so many values of it are there."""

    def there() -> bool:
        found = statistics(aws, name, endpoint, **dimensions)
        return found is not None and found["SampleCount"] >= count

    eventually(there)
    return statistics(aws, name, endpoint, **dimensions)


def highest(aws: Aws, name: str, endpoint: str, **more: str) -> float:
    """The highest value of one metric so far; below all others where it has none."""
    found = statistics(aws, name, endpoint, **more)
    return -1.0 if found is None else float(found["Maximum"])


def serve(aws: Aws, name: str, **more: Any) -> None:
    """Each test has names of its own: CloudWatch forgets nothing."""
    aws.model(name, 7)
    aws.config(name, {"ModelName": name, "VariantName": "main", **more})
    aws.endpoint(name, name)


def test_every_request_is_counted_and_its_time_is_taken(aws: Aws) -> None:
    serve(aws, "counted")
    for _ in range(4):
        aws.invoke("counted")
    with pytest.raises(ClientError):
        aws.invoke("counted", Body=WRONG)
    for more in ({}, {"EndpointConfigName": "counted"}):
        of = {"VariantName": "main", **more}
        assert published(aws, "Invocations", "counted", 5, **of)["Sum"] == 5
        assert statistics(aws, "Invocation4XXErrors", "counted", **of)["Average"] == pytest.approx(0.2)
        assert statistics(aws, "Invocation5XXErrors", "counted", **of)["Average"] == 0
        assert statistics(aws, "InvocationModelErrors", "counted", **of)["Sum"] == 1
        assert statistics(aws, "InvocationsPerInstance", "counted", **of)["Sum"] == 5
        latency = statistics(aws, "ModelLatency", "counted", **of)
        assert latency["Unit"] == statistics(aws, "OverheadLatency", "counted", **of)["Unit"] == "Microseconds"
        assert 100 < latency["Minimum"] <= latency["Maximum"] < 60e6
    assert statistics(aws, "Invocations", "counted") is None
    assert statistics(aws, "TimeInBacklog", "counted", VariantName="main") is None


def test_concurrency_and_hosts_are_measured_though_nobody_asks(aws: Aws) -> None:
    serve(aws, "measured")
    assert published(aws, "ConcurrentRequestsPerModel", "measured", 2, VariantName="main")["Maximum"] == 0
    host = {"namespace": "/aws/sagemaker/Endpoints", "VariantName": "main"}
    with aws.firing("measured", threads=2):
        eventually(lambda: highest(aws, "ConcurrentRequestsPerModel", "measured", VariantName="main") >= 1)
        eventually(lambda: highest(aws, "CPUUtilization", "measured", **host) > 0)
    for name in ("CPUUtilization", "MemoryUtilization", "DiskUtilization"):
        found = statistics(aws, name, "measured", **host)
        assert found["Unit"] == "Percent"
        assert 0 < found["Maximum"] <= (100 if name != "CPUUtilization" else 100 * 256)


def test_queue_is_published_of_the_endpoint_and_failures_of_the_variant(aws: Aws) -> None:
    output = {"S3OutputPath": f"s3://{BUCKET}/output", "S3FailurePath": f"s3://{BUCKET}/failure"}
    aws.model("queued", 7)
    aws.config(
        "queued",
        {"ModelName": "queued", "VariantName": "main"},
        AsyncInferenceConfig={"OutputConfig": output},
    )
    aws.endpoint("queued", "queued")
    resize(aws, "queued", 0)
    for body in (REQUEST, WRONG):
        location = aws.upload(f"{len(body)}.json", body)
        aws.runtime.invoke_endpoint_async(EndpointName="queued", InputLocation=location, ContentType="application/json")
    time.sleep(0.6)
    eventually(lambda: highest(aws, "ApproximateBacklogSize", "queued") == 2)
    eventually(lambda: highest(aws, "HasBacklogWithoutCapacity", "queued") == 1)
    eventually(lambda: highest(aws, "ApproximateAgeOfOldestRequest", "queued") > 1)
    resize(aws, "queued", 2)
    main = {"VariantName": "main"}
    assert published(aws, "InvocationFailures", "queued", 1, **main)["Sum"] == 1
    assert published(aws, "InvocationsProcessed", "queued", 1, **main)["Sum"] == 1
    waited = published(aws, "TimeInBacklog", "queued", 2, **main)
    assert waited["Unit"] == "Milliseconds"
    assert waited["Minimum"] > 500
    assert statistics(aws, "TotalProcessingTime", "queued", **main)["Minimum"] > waited["Minimum"]
    assert published(aws, "Invocation4XXErrors", "queued", 2, **main)["Sum"] == 1
    for name in ("Invocations", "OverheadLatency", "InvocationsPerInstance"):
        assert statistics(aws, name, "queued", **main) is None


def resize(aws: Aws, endpoint: str, count: int) -> None:
    wanted = [{"VariantName": "main", "DesiredInstanceCount": count}]
    aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=wanted)


def watch(aws: Aws, name: str, endpoint: str, **alarm: Any) -> None:
    dimensions = {"EndpointName": endpoint, "VariantName": "main", **alarm.pop("Dimensions", {})}
    settings = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation4XXErrors",
        "Statistic": "Average",
        "Period": 10,
        "EvaluationPeriods": 1,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        **alarm,
    }
    given = {key: value for key, value in settings.items() if value is not None}
    aws.client("cloudwatch").put_metric_alarm(AlarmName=name, **given)


def state(aws: Aws, name: str) -> str:
    found = aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    alarms: list[Any] = found["MetricAlarms"] + found["CompositeAlarms"]
    return str(alarms[0]["StateValue"])


def test_alarm_fires_tells_its_topic_and_calms_down_as_time_passes(aws: Aws) -> None:
    serve(aws, "watched")
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="watched")["TopicArn"]
    queue = sqs.create_queue(QueueName="watched")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    watch(aws, "watched-errors", "watched", AlarmActions=[topic], OKActions=[topic])
    watch(aws, "another-variant", "watched", Dimensions={"VariantName": "other"})
    watch(aws, "wrong-unit", "watched", Unit="Percent")
    aws.client("cloudwatch").put_composite_alarm(AlarmName="watched-unwell", AlarmRule='ALARM("watched-errors")')
    eventually(lambda: state(aws, "watched-errors") == "OK")
    with pytest.raises(ClientError):
        aws.invoke("watched", Body=WRONG)
    asked = time.monotonic()
    eventually(lambda: state(aws, "watched-errors") == "ALARM")
    eventually(lambda: state(aws, "watched-unwell") == "ALARM")
    assert {state(aws, "another-variant"), state(aws, "wrong-unit")} == {"OK"}
    eventually(lambda: state(aws, "watched-errors") == "OK")
    assert time.monotonic() - asked > 9
    eventually(lambda: state(aws, "watched-unwell") == "OK")
    said: list[str] = []

    def told() -> bool:
        bodies = [json.loads(message["Body"]) for message in drained(sqs, queue)]
        said.extend(json.loads(body["Message"])["NewStateValue"] for body in bodies)
        return said[-2:] == ["ALARM", "OK"]

    eventually(told)


def drained(sqs: Any, queue: str) -> list[Any]:
    messages: list[Any] = []
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        messages += found
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return messages


def test_state_set_by_hand_is_seen_and_gives_way_to_what_is_measured(aws: Aws) -> None:
    watch(aws, "by-hand", "nobody")
    aws.client("cloudwatch").set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="a drill")
    time.sleep(3)
    assert state(aws, "by-hand") == "ALARM"
    eventually(lambda: state(aws, "by-hand") == "OK")


def test_values_that_come_late_count_in_the_period_of_their_stamp(aws: Aws) -> None:
    watch(aws, "late", "late", EvaluationPeriods=2, DatapointsToAlarm=1, Period=30)
    dimensions = [{"Name": "EndpointName", "Value": "late"}, {"Name": "VariantName", "Value": "main"}]
    now = datetime.now(UTC)
    for age, value in ((0, 0.0), (40, 1.0), (3600, 1.0)):
        datum = {"MetricName": "Invocation4XXErrors", "Dimensions": dimensions, "Value": value}
        stamp = now - timedelta(seconds=age)
        aws.client("cloudwatch").put_metric_data(Namespace="AWS/SageMaker", MetricData=[{**datum, "Timestamp": stamp}])
    assert state(aws, "late") == "ALARM"
    eventually(lambda: state(aws, "late") == "OK")
