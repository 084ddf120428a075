"""InvokeEndpointWithResponseStream: pieces arrive as the model sends them, and a stream that breaks says so."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import botocore.eventstream
import numpy as np
import onnx
import pytest
from botocore.exceptions import ClientError, EventStreamError

from slipway.local_cloud import event_stream
from slipway.local_cloud.hosts.base import Command
from slipway.local_cloud.server_process import ServerProcess
from slipway.local_cloud.streamed_answer import StreamedAnswer
from tests.local_cloud.conftest import REQUEST, Aws, eventually, manifest, packed, refusal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.local_cloud

LINES = "application/jsonlines"
QUICK, SLOW = 1.0, 8.0


def slow_classifier() -> bytes:
    """A classifier that takes as many steps as its image's largest pixel says, a few milliseconds each."""
    tensor, info = onnx.numpy_helper.from_array, onnx.helper.make_tensor_value_info
    step = onnx.helper.make_graph(
        [
            onnx.helper.make_node("MatMul", ["state", "spin"], ["next"]),
            onnx.helper.make_node("Identity", ["go"], ["still"]),
        ],
        "step",
        [
            info("number", onnx.TensorProto.INT64, []),
            info("go", onnx.TensorProto.BOOL, []),
            info("state", onnx.TensorProto.FLOAT, [512, 512]),
        ],
        [info("still", onnx.TensorProto.BOOL, []), info("next", onnx.TensorProto.FLOAT, [512, 512])],
    )
    nodes = [
        onnx.helper.make_node("ReduceMax", ["image"], ["largest"], keepdims=0),
        onnx.helper.make_node("Mul", ["largest", "sixteen"], ["wanted"]),
        onnx.helper.make_node("Cast", ["wanted"], ["steps"], to=onnx.TensorProto.INT64),
        onnx.helper.make_node("Loop", ["steps", "", "spin"], ["state"], body=step),
        onnx.helper.make_node("ReduceMax", ["state"], ["top"], keepdims=0),
        onnx.helper.make_node("Mul", ["top", "zero"], ["nothing"]),
        onnx.helper.make_node("Flatten", ["image"], ["flat"]),
        onnx.helper.make_node("Gemm", ["flat", "weights", "bias"], ["sum"]),
        onnx.helper.make_node("Add", ["sum", "nothing"], ["logits"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "slow",
        [info("image", onnx.TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [info("logits", onnx.TensorProto.FLOAT, ["batch", 10])],
        [
            tensor(np.zeros((64, 10), dtype=np.float32), "weights"),
            tensor(np.eye(10, dtype=np.float32)[7], "bias"),
            tensor(np.eye(512, dtype=np.float32), "spin"),
            tensor(np.array(16, dtype=np.float32), "sixteen"),
            tensor(np.array(0, dtype=np.float32), "zero"),
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)
    return bytes(model.SerializeToString())


def images(*steps: float) -> bytes:
    """A request with an image for each number of steps."""
    return json.dumps({"inputs": [np.full((1, 8, 8), step).tolist() for step in steps]}).encode()


def hosted(aws: Aws, name: str = "reader") -> None:
    content = packed({"model.onnx": slow_classifier(), "manifest.json": json.dumps(manifest(7)).encode()})
    aws.model("slow", content=content, Environment={"SLIPWAY_THREADS": "1"})
    aws.config("one", {"ModelName": "slow", "VariantName": "main"})
    aws.endpoint(name, "one")


def stream(aws: Aws, body: bytes, **more: Any) -> dict[str, Any]:
    asked = {"EndpointName": "reader", "Body": body, "ContentType": "application/json", "Accept": LINES, **more}
    answer: dict[str, Any] = aws.runtime.invoke_endpoint_with_response_stream(**asked)
    return answer


def labels(parts: list[bytes]) -> list[str]:
    return [json.loads(line)["label"] for line in b"".join(parts).splitlines()]


def test_parts_arrive_over_time_each_as_it_is_computed(aws: Aws) -> None:
    hosted(aws)
    began = time.monotonic()
    answer = stream(aws, images(QUICK, *[SLOW * 2] * 3), InferenceId="mine", CustomAttributes="tenant=7")
    parts, moments = [], []
    for event in answer["Body"]:
        parts.append(event["PayloadPart"]["Bytes"])
        moments.append(time.monotonic() - began)
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == (LINES, "main")
    assert answer["CustomAttributes"] == "tenant=7"
    assert labels(parts) == ["7"] * 4
    assert len(parts) == 4
    assert moments[0] < moments[3] / 3, moments
    assert moments[2] - moments[1] > moments[3] / 10, moments


def test_whole_answer_is_one_stream_when_the_model_does_not_stream(aws: Aws) -> None:
    hosted(aws)
    answer = stream(aws, images(QUICK), Accept="application/json")
    body = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"])
    assert answer["ContentType"] == "application/json"
    assert json.loads(body)["predictions"][0]["label"] == "7"


def test_stream_says_that_it_broke_when_the_server_dies_within_it(aws: Aws) -> None:
    hosted(aws)
    with closing(stream(aws, images(QUICK, SLOW, *[SLOW * 4] * 20))["Body"]) as body:
        events = iter(body)
        assert labels([next(events)["PayloadPart"]["Bytes"]]) == ["7"]
        died = aws.server("reader").pid or 0
        os.kill(died, signal.SIGKILL)
        with pytest.raises(EventStreamError) as error:
            list(events)
    assert error.value.response["Error"]["Code"] == "ModelStreamError"
    assert "reset or closed" in error.value.response["Error"]["Message"]
    eventually(lambda: aws.server("reader").ready and aws.server("reader").pid != died)
    assert len(list(stream(aws, images(QUICK, QUICK))["Body"])) in (1, 2)


def test_model_is_left_in_peace_when_the_caller_leaves(aws: Aws) -> None:
    hosted(aws)
    answer = stream(aws, images(QUICK, *[SLOW * 2] * 60))
    next(iter(answer["Body"]))
    answer["Body"].close()
    began = time.monotonic()
    assert aws.label("reader", Body=images(QUICK)) == "7"  # the model has one thread
    assert time.monotonic() - began < 45  # of minutes
    log = next(aws.cloud.state_folder.glob("logs/*/reader/main.log"))
    eventually(lambda: '"code":"client_gone"' in log.read_text())


def test_models_refusal_is_a_model_error_before_any_stream(aws: Aws) -> None:
    hosted(aws)
    with pytest.raises(ClientError) as error:
        stream(aws, b"not json")
    assert refusal(error)[0] == "ModelError"
    assert error.value.response["OriginalStatusCode"] == 400
    assert json.loads(error.value.response["OriginalMessage"])["error"]["code"] == "malformed_json"


def test_stream_is_refused_when_the_endpoint_is_unknown_or_asynchronous(aws: Aws) -> None:
    with pytest.raises(ClientError, match="not found"):
        stream(aws, REQUEST)
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"}, AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://models/o"}})
    aws.endpoint("reader", "one")
    with pytest.raises(ClientError, match="asynchronous"):
        stream(aws, REQUEST)


def test_stream_is_refused_when_the_endpoint_is_serverless(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}})
    aws.endpoint("reader", "one")
    with pytest.raises(ClientError, match="not supported for serverless"):
        stream(aws, REQUEST)


def test_messages_are_those_that_botocore_reads() -> None:
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(event_stream.event("PayloadPart", b"\x00piece") + event_stream.event("PayloadPart", b""))
    buffer.add_data(event_stream.exception("ModelStreamError", {"Message": "gone", "ErrorCode": "StreamBroken"}))
    first, empty, failed = buffer
    assert first.headers == {
        ":message-type": "event",
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
    }
    assert (first.payload, empty.payload) == (b"\x00piece", b"")
    assert (failed.headers[":message-type"], failed.headers[":exception-type"]) == ("exception", "ModelStreamError")
    assert json.loads(failed.payload) == {"Message": "gone", "ErrorCode": "StreamBroken"}


class Endless(ServerProcess):
    """A server on a real socket that begins an answer and never ends it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, folder / "log", lambda _port: Command((), {}))
        self.ready = True
        self.hung_up = asyncio.Event()

    async def listen(self) -> asyncio.Server:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            with suppress(OSError):
                await reader.read()
                writer.close()
                await writer.wait_closed()
            self.hung_up.set()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server


async def sent(tmp_path: Path, *, breaks: bool = False) -> list[Any]:
    """What a caller gets from an endless answer, and from one whose passing on fails."""
    passed: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        passed.append(message)
        if breaks and len(passed) == 1:
            raise RuntimeError("a defect of ours")

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    server = Endless(tmp_path)
    async with await server.listen():
        answer = StreamedAnswer(server, seconds=2)
        await answer.begin(b"", {})
        await answer.send(receive, send)
        async with asyncio.timeout(60):
            await server.hung_up.wait()
    assert server.in_flight == 0
    assert [message["more_body"] for message in passed] == [True] * (len(passed) - 1) + [False]
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(b"".join(message["body"] for message in passed))
    return list(buffer)


def test_stream_ends_with_a_model_error_when_it_takes_too_long(tmp_path: Path) -> None:
    part, failed = asyncio.run(sent(tmp_path))
    assert part.payload == b"first"
    assert failed.headers[":exception-type"] == "ModelStreamError"
    assert json.loads(failed.payload)["ErrorCode"] == "ModelInvocationTimeExceeded"


def test_stream_ends_with_an_internal_failure_when_passing_on_fails(tmp_path: Path) -> None:
    _, failed = asyncio.run(sent(tmp_path, breaks=True))
    assert failed.headers[":exception-type"] == "InternalStreamFailure"
