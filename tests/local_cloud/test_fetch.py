"""Weights that lie in S3: fetched once, under the name of their bytes."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from botocore.config import Config

from model_build.sources import Origin, read
from slipway.operations.fetch import fetch
from slipway.specs import HostError, Project, SpecError
from slipway.specs.source import fetched_file
from tests.model_build.test_sources import INPUTS, WEIGHT, scale

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.local_cloud.conftest import Aws

SPEC = """task: transformation
source: {{{source}, sha256: {sha256}}}
target: cpu-fp32
verify: {{data: held-out.npz, metric: r_squared, at_least: 0.9}}
"""
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/group/1"


def archive() -> bytes:
    out, content = io.BytesIO(), scale(WEIGHT).SerializeToString()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo("model.onnx")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


ARCHIVE = archive()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


def project(root: Path, source: str, sha256: str = SHA256) -> Project:
    folder = root / "models" / "scale"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(SPEC.format(source=source, sha256=sha256))
    np.savez(folder / "held-out.npz", inputs=INPUTS)
    return Project(root)


def left(root: Path) -> list[str]:
    return [path.name for path in (root / ".slipway" / "sources").glob("*")]


@pytest.mark.local_cloud
def test_archive_in_s3_is_fetched_once_and_read(aws: Aws, tmp_path: Path) -> None:
    made = project(tmp_path, f"archive: '{aws.upload('weights.tar.gz', ARCHIVE)}'")
    fetch(made, "scale", aws.client)
    fetch(made, "scale", lambda _: pytest.fail("it is here already"))
    spec, folder = made.models["scale"], tmp_path / "models" / "scale"
    origin = Origin(root=tmp_path, folder=folder, source=spec.source, spec=spec, scratch=tmp_path / "scratch")
    answers: Any = read(origin).reference([*INPUTS])
    np.testing.assert_allclose(answers, np.tanh(INPUTS @ WEIGHT), atol=1e-6)


@pytest.mark.local_cloud
def test_archive_in_s3_is_refused_when_it_is_another_or_none(aws: Aws, tmp_path: Path) -> None:
    url = aws.upload("weights.tar.gz", ARCHIVE)
    with pytest.raises(SpecError, match=rf"source.sha256: {url} holds {SHA256}, model.yaml says {'ab' * 32}: is it"):
        fetch(project(tmp_path, f"archive: '{url}'", "ab" * 32), "scale", aws.client)
    with pytest.raises(SpecError, match=r"source.archive: cannot be fetched: NoSuchKey: "):
        fetch(project(tmp_path, "archive: 's3://models/gone.tar.gz'"), "scale", aws.client)
    assert left(tmp_path) == []


class Short(BaseHTTPRequestHandler):
    """An S3 that hangs up before the end."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(ARCHIVE)))
        self.end_headers()
        self.wfile.write(ARCHIVE[:100])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def short() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Short)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_download_that_ends_early_leaves_nothing(short: str, tmp_path: Path) -> None:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = Config(proxies={}, retries={"total_max_attempts": 1})

    def client(service: str) -> Any:
        return boto3.client(service, region_name="us-east-1", endpoint_url=short, config=config, **keys)

    made = project(tmp_path, "archive: 's3://bucket/weights.tar.gz'")
    with pytest.raises(HostError, match=r"scale: s3://bucket/weights\.tar\.gz cannot be fetched: "):
        fetch(made, "scale", client)
    assert left(tmp_path) == []


def test_model_package_is_fetched_from_where_its_data_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto import mock_aws

    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
        s3.create_bucket(Bucket="registry")
        s3.put_object(Bucket="registry", Key="data.tar.gz", Body=ARCHIVE)
        sagemaker.create_model_package_group(ModelPackageGroupName="group")
        container = {"Image": "image", "ModelDataUrl": "s3://registry/data.tar.gz"}
        types = {"SupportedContentTypes": ["application/json"], "SupportedResponseMIMETypes": ["application/json"]}
        sagemaker.create_model_package(
            ModelPackageGroupName="group",
            ModelPackageDescription="scales",
            InferenceSpecification={"Containers": [container], **types},
        )
        fetch(project(tmp_path, f"package: {PACKAGE}"), "scale", boto3.client)
    assert fetched_file(tmp_path, SHA256).read_bytes() == ARCHIVE
