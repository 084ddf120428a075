from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import alive, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

BUCKET = "captured"
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/it",
    "CaptureOptions": [{"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
}


def shadow(weight: float, **more: Any) -> dict[str, Any]:
    machine = {"InitialInstanceCount": 1, "InstanceType": "ml.c7i.xlarge"}
    return {"VariantName": "shade", "ModelName": "two", "InitialVariantWeight": weight, **machine, **more}


def serve(aws: Aws, weight: float) -> None:
    aws.model("one", 1)
    aws.model("two", 2)
    if BUCKET not in [bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]]:
        aws.s3.create_bucket(Bucket=BUCKET)
    for entry in aws.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        aws.s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    aws.config("c", {"ModelName": "one"}, ShadowProductionVariants=[shadow(weight)], DataCaptureConfig=CAPTURE)
    aws.endpoint("e", "c")


def captured(aws: Aws, variant: str) -> list[str]:
    """What a variant answered, as far as it was written yet."""
    found = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"it/e/{variant}/").get("Contents", [])
    files = [aws.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in found]
    events = [json.loads(line) for file in files for line in file.splitlines()]
    answers = [json.loads(event["captureData"]["endpointOutput"]["data"]) for event in events]
    return [answer["predictions"][0]["label"] for answer in answers]


def asked(log: Path) -> int:
    """How many requests a server has answered."""
    return log.read_text().count('"path":"/invocations"')


def test_shadow_answers_its_share_and_no_caller_hears_of_it(aws: Aws) -> None:
    serve(aws, weight=0.5)
    log = aws.cloud.state_folder / "logs" / "000000000000-us-east-1" / "e" / "shade.log"
    before = asked(log)
    assert {aws.label("e") for _ in range(120)} == {"1"}
    eventually(lambda: len(captured(aws, "one")) == 120)
    eventually(lambda: len(captured(aws, "shade")) == asked(log) - before > 0)
    copies = captured(aws, "shade")
    assert 35 <= len(copies) <= 85  # 60 expected, about five standard deviations either way
    assert set(copies) == {"2"}
    (found,) = aws.sagemaker.describe_endpoint(EndpointName="e")["ShadowProductionVariants"]
    assert (found["VariantName"], found["CurrentWeight"]) == ("shade", 0.5)
    with pytest.raises(ClientError, match="Variant shade"):
        aws.label("e", TargetVariant="shade")


def test_dead_shadow_touches_no_answer_and_ends_with_its_endpoint(aws: Aws) -> None:
    serve(aws, weight=1)
    (endpoint,) = aws.cloud.endpoints()
    first = next(variant.containers[0].pid for variant in endpoint.variants if variant.name == "shade")
    assert first is not None
    with aws.firing("e") as fired:
        eventually(lambda: len(fired.labels) > 20)
        psutil.Process(first).kill()
        after = len(fired.labels)
        eventually(lambda: len(fired.labels) > after + 100)
    assert not fired.errors
    assert set(fired.labels) == {"1"}

    def another() -> int | None:
        container = aws.cloud.endpoints()[0].variants[1].containers[0]
        return container.pid if container.ready and container.pid != first else None

    eventually(lambda: another() is not None)
    again = another()
    assert again is not None
    aws.sagemaker.delete_endpoint(EndpointName="e")
    eventually(lambda: not alive(again))


@pytest.mark.parametrize(
    ("variants", "shadows", "message"),
    [
        ([{}, {"VariantName": "other"}], [shadow(1)], "exactly one production variant and one shadow variant"),
        ([{}], [shadow(1), shadow(1, VariantName="other")], "exactly one production variant and one shadow variant"),
        ([{}], [shadow(1, VariantName="one")], "Duplicate variant names"),
        (
            [{"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}],
            [shadow(1)],
            "not supported for serverless endpoints",
        ),
        ([{}], [shadow(1.5)], "a shadow variant that weighs more than its production variant"),
        ([{}], [shadow(1, ModelName="three")], "Could not find model"),
    ],
)
def test_shadow_that_cannot_be_is_refused(
    aws: Aws, variants: list[dict[str, Any]], shadows: list[dict[str, Any]], message: str
) -> None:
    aws.model("one", 1)
    aws.model("two", 2)
    with pytest.raises(ClientError, match=message):
        aws.config("c", *({"ModelName": "one", **more} for more in variants), ShadowProductionVariants=shadows)
