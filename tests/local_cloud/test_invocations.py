from __future__ import annotations

import http.client
import io
import json
import re
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import eventually, refusal

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud


def test_headers_travel_both_ways(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven", "VariantName": "main"})
    aws.endpoint("reader", "one")
    body = io.BytesIO()
    np.save(body, np.zeros((2, 1, 8, 8), dtype=np.float32))
    answer = aws.invoke(
        "reader",
        Body=body.getvalue(),
        ContentType="application/x-npy",
        Accept="application/x-npy",
        InferenceId="inference-1",
    )
    assert answer["ContentType"] == "application/x-npy"
    assert answer["InvokedProductionVariant"] == "main"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-sagemaker-inference-id"] == "inference-1"
    assert np.load(io.BytesIO(answer["Body"].read())).argmax(axis=1).tolist() == [7, 7]
    assert aws.invoke("reader")["ContentType"] == "application/json"


def test_models_error_is_passed_on_as_a_model_error(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    with pytest.raises(ClientError) as error:
        aws.invoke("reader", Body=b"not json")
    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert refusal(error)[0] == "ModelError"
    assert "Received client error (400) from primary with message" in refusal(error)[1]
    assert response["OriginalStatusCode"] == 400
    assert json.loads(response["OriginalMessage"])["error"]["code"]
    assert response["LogStreamArn"].startswith(
        "arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/"
    )


@pytest.mark.parametrize("header", ["content-type", "x-amzn-sagemaker-custom-attributes"])
def test_server_judges_a_header_when_it_is_beyond_ascii(aws: Aws, header: str) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    scope = "000000000000/20260101/us-east-1/sagemaker/aws4_request"
    connection = http.client.HTTPConnection("127.0.0.1", aws.cloud.port, timeout=240)
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}", header: "caf\u00e9"}
    connection.request("POST", "/endpoints/reader/invocations", b"{}", headers)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["__type"]) == (424, "ModelError")
    connection.close()


def test_payload_is_refused_when_it_is_larger_than_6_mb(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    with pytest.raises(ClientError) as error:
        aws.invoke("reader", Body=b" " * (6 * 1024 * 1024 + 1))
    assert refusal(error)[0] == "ValidationError"
    assert "6291456" in refusal(error)[1]


def test_captured_invocations_arrive_in_s3(aws: Aws) -> None:
    aws.model("seven", 7)
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://models/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    aws.config("one", {"ModelName": "seven", "VariantName": "main"}, DataCaptureConfig=capture)
    aws.endpoint("reader", "one")
    aws.invoke("reader", InferenceId="first")
    aws.invoke("reader")
    prefix = "captured/reader/main/"

    def captured() -> dict[str, list[Any]]:
        """The lines of each file, in the order in which they were written."""
        keys = sorted(it["Key"] for it in aws.s3.list_objects_v2(Bucket="models", Prefix=prefix).get("Contents", []))
        files = {key: aws.s3.get_object(Bucket="models", Key=key)["Body"].read().decode() for key in keys}
        return {key: [json.loads(line) for line in text.splitlines()] for key, text in files.items()}

    eventually(lambda: sum(map(len, captured().values())) == 2)
    first, second = (line for lines in captured().values() for line in lines)
    assert first["captureData"]["endpointInput"]["encoding"] == "JSON"
    assert json.loads(first["captureData"]["endpointOutput"]["data"])["predictions"][0]["label"] == "7"
    assert first["eventMetadata"]["inferenceId"] == "first"
    assert "inferenceId" not in second["eventMetadata"]
    assert all(re.match(rf"{prefix}\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-", key) for key in captured())
    assert min(captured()).startswith(f"{prefix}{time.strftime('%Y/', time.gmtime())}")


def test_invocation_with_explanations_is_refused_by_name(aws: Aws) -> None:
    with pytest.raises(ClientError, match="is not modelled in Slipway's local cloud"):
        aws.runtime.invoke_endpoint(EndpointName="any", Body=b"", EnableExplanations="a[0]")
