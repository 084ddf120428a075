from __future__ import annotations

import io
import json
import os
import tarfile
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import onnx
import psutil
import pytest
from botocore.config import Config

from slipway import local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/endpoint"
IMAGE = "slipway/onnxruntime:local"
BUCKET = "models"
PATIENCE_SECONDS = 240  # with what takes seconds, on a machine that is slow and busy with other tests
REQUEST = json.dumps({"inputs": [np.zeros((1, 8, 8)).tolist()]}).encode()
SESSION = boto3.session.Session()  # one for all: it reads each service's long description once


def classifier(answer: int) -> bytes:
    """A model that reads an 8 x 8 image and always finds the same digit."""
    bias = np.zeros(10, dtype=np.float32)
    bias[answer] = 9.0
    weights = [
        onnx.numpy_helper.from_array(np.zeros((64, 10), dtype=np.float32), "weights"),
        onnx.numpy_helper.from_array(bias, "bias"),
    ]
    image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", 1, 8, 8])
    logits = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 10])
    nodes = [
        onnx.helper.make_node("Flatten", ["image"], ["flat"]),
        onnx.helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
    ]
    graph = onnx.helper.make_graph(nodes, "classifier", [image], [logits], weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)
    return bytes(model.SerializeToString())


def manifest(answer: int) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "name": f"always-{answer}",
        "digest": f"{answer:064x}",
        "task": "image-classification",
        "target": "cpu-fp32",
        "runtime": "onnxruntime",
        "model_file": "model.onnx",
        "inputs": [{"name": "image", "dtype": "float32", "shape": ["batch", 1, 8, 8]}],
        "outputs": [{"name": "logits", "dtype": "float32", "shape": ["batch", 10]}],
        "preprocess": {"kind": "tensor"},
        "postprocess": {"kind": "classify", "labels": [str(digit) for digit in range(10)]},
        "example": {"inputs": [np.zeros((1, 8, 8)).tolist()]},
    }


def arithmetic(factor: float, offset: float) -> bytes:
    """An archive that turns two numbers x into x * factor + offset, and answers with the next model's request."""
    numbers = {"factor": factor, "offset": offset}
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Mul", ["x", "factor"], ["product"]),
            onnx.helper.make_node("Add", ["product", "offset"], ["y"]),
        ],
        "arithmetic",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 2])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 2])],
        [onnx.numpy_helper.from_array(np.array(number, dtype=np.float32), name) for name, number in numbers.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)
    described = manifest(0) | {
        "task": "transformation",
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 2]}],
        "outputs": [{"name": "y", "dtype": "float32", "shape": ["batch", 2]}],
        "postprocess": {"kind": "tensor"},
        "example": {"inputs": [[1.0, 2.0]]},
    }
    return packed({"model.onnx": model.SerializeToString(), "manifest.json": json.dumps(described).encode()})


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def packed_zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def archive_of(answer: int) -> bytes:
    return packed({"model.onnx": classifier(answer), "manifest.json": json.dumps(manifest(answer)).encode()})


HANDLER = """
import pathlib, time


def load(folder):
    while pathlib.Path({gate!r}).exists():
        time.sleep(0.02)


def preprocess(request):
    return request.json()["inputs"]
"""


def gated(answer: int, gate: Path) -> bytes:
    """An archive whose server is not ready before a file is gone."""
    described = json.dumps(manifest(answer) | {"handler": "handler.py"}).encode()
    handler = HANDLER.format(gate=str(gate)).encode()
    return packed({"model.onnx": classifier(answer), "manifest.json": described, "handler.py": handler})


@dataclass
class Fired:
    """What a stream of requests got."""

    labels: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)


class Aws:
    """boto3 against one cloud, as one account in one region."""

    def __init__(self, cloud: local_cloud.Cloud, account: str = "000000000000", region: str = "us-east-1") -> None:
        # One attempt: what the cloud says is what the test sees.
        config = Config(retries={"total_max_attempts": 1}, read_timeout=240, proxies={}, parameter_validation=False)

        def client(service: str) -> Any:
            keys = {"aws_access_key_id": account, "aws_secret_access_key": account}
            return SESSION.client(service, region_name=region, endpoint_url=cloud.url, config=config, **keys)

        self.cloud = cloud
        self.sagemaker = client("sagemaker")
        self.runtime = client("sagemaker-runtime")
        self.scaling = client("application-autoscaling")
        self.cloudformation = client("cloudformation")
        self.s3 = client("s3")
        self.client = client

    def upload(self, name: str, content: bytes) -> str:
        if BUCKET not in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]:
            self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_object(Bucket=BUCKET, Key=name, Body=content)
        return f"s3://{BUCKET}/{name}"

    def model(self, name: str, answer: int = 7, *, content: bytes | None = None, **container: Any) -> None:
        url = self.upload(f"{name}.tar.gz", archive_of(answer) if content is None else content)
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url, **container},
        )

    def model_of(self, name: str, mode: str | None, **archives: bytes) -> None:
        """A model of several containers, each named for its archive."""
        containers = [
            {"Image": IMAGE, "ModelDataUrl": self.upload(f"{name}-{host}.tar.gz", archive), "ContainerHostname": host}
            for host, archive in archives.items()
        ]
        execution = {} if mode is None else {"InferenceExecutionConfig": {"Mode": mode}}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=containers, **execution)

    def config(self, name: str, *variants: dict[str, Any], **more: Any) -> None:
        """Each variant is named for its model, unless it says otherwise."""
        defaults = {"InitialInstanceCount": 1, "InstanceType": "ml.c7i.xlarge"}
        production = [
            {"VariantName": variant["ModelName"], **({} if "ServerlessConfig" in variant else defaults), **variant}
            for variant in variants
        ]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=production, **more)

    def endpoint(self, name: str, config: str) -> None:
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        found = self.settled(name)
        assert found["EndpointStatus"] == "InService", found

    def settled(self, name: str) -> dict[str, Any]:
        """What DescribeEndpoint says once nothing is under way any more."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            if found["EndpointStatus"] not in ("Creating", "Updating"):
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    def invoke(self, endpoint: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.runtime.invoke_endpoint(
            EndpointName=endpoint, **{"Body": REQUEST, "ContentType": "application/json", **more}
        )
        return answer

    def label(self, endpoint: str, **more: Any) -> str:
        return str(json.loads(self.invoke(endpoint, **more)["Body"].read())["predictions"][0]["label"])

    def server(self, endpoint: str) -> local_cloud.RunningContainer:
        """The first server process of an endpoint."""
        return self.containers(endpoint)[0]

    def containers(self, endpoint: str) -> tuple[local_cloud.RunningContainer, ...]:
        """The server processes of an endpoint's first variant."""
        (found,) = [running for running in self.cloud.endpoints() if running.name == endpoint]
        return found.variants[0].containers

    @contextmanager
    def firing(self, endpoint: str, threads: int = 4, **more: Any) -> Iterator[Fired]:
        """Fire requests one after the other while the block runs."""
        fired, stop = Fired(), threading.Event()

        def fire() -> None:
            while not stop.is_set():
                time.sleep(0.002)  # leaves some of the machine to what is tested
                try:
                    fired.labels.append(self.label(endpoint, **more))
                except Exception as error:  # noqa: BLE001  every failure counts
                    fired.errors.append(error)

        workers = [threading.Thread(target=fire) for _ in range(threads)]
        for worker in workers:
            worker.start()
        try:
            yield fired
        finally:
            stop.set()
            for worker in workers:
                worker.join()

    def clean(self) -> None:
        for endpoint in self.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]:
            if self.settled(endpoint["EndpointName"])["EndpointStatus"] != "Deleting":
                self.sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])
        eventually(lambda: not self.sagemaker.list_endpoints()["Endpoints"])
        for config in self.sagemaker.list_endpoint_configs(MaxResults=100)["EndpointConfigs"]:
            self.sagemaker.delete_endpoint_config(EndpointConfigName=config["EndpointConfigName"])
        for model in self.sagemaker.list_models(MaxResults=100)["Models"]:
            self.sagemaker.delete_model(ModelName=model["ModelName"])


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    found = error.value.response["Error"]
    return found["Code"], found["Message"]


def eventually(check: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


@pytest.fixture(autouse=True, scope="session")
def _no_aws_settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, _no_aws_settings: None) -> Iterator[local_cloud.Cloud]:
    started = local_cloud.start(tmp_path_factory.mktemp("project"), leash=True)
    yield started
    local_cloud.stop(started)


@pytest.fixture(scope="session")
def _caller(cloud: local_cloud.Cloud) -> Aws:
    return Aws(cloud)  # once: making boto3's clients takes longer than most tests


@pytest.fixture
def aws(_caller: Aws) -> Iterator[Aws]:
    yield _caller
    _caller.clean()


@pytest.fixture
def aws_of() -> type[Aws]:
    return Aws


@pytest.fixture(scope="session")
def aws_at() -> Callable[[local_cloud.Cloud], Aws]:
    """Return boto3 against a cloud of a test's own."""
    return Aws


@pytest.fixture
def archive() -> Callable[[int], bytes]:
    return archive_of


@pytest.fixture
def pack() -> Callable[[dict[str, bytes]], bytes]:
    return packed


@pytest.fixture(name="request_body")
def request_body_() -> bytes:
    return REQUEST


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path
