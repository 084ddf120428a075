"""An artifact that stays in S3: referenced, never uploaded, and readable to its endpoint's role alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from sagemaker_hosting import Preflight
from slipway.specs import Lock, Project
from slipway.specs.location import Location
from slipway.specs.neo import Neo
from slipway.specs.optimized import Optimized
from stacks import define
from tests.stacks.conftest import VARIANT, lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Of = Callable[[dict[str, Any], str], list[dict[str, Any]]]

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"
PLACE = Location(account="111122223333", key_arn=KEY, region="eu-west-1", uri="s3://built/artifacts/digits/0123/files/")
CONTAINERS = [{"name": name, "model": "digits"} for name in ("one", "two")]


@pytest.fixture
def synth(tmp_path: Path, project: Path, sources: Path, flags: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Synthesise an endpoint of a model that stays in S3, with every check that a user's synth has."""

    def run(endpoint: dict[str, Any], said: dict[str, Any], more: str = "") -> dict[str, Any]:
        shutil.copytree(project / "models", tmp_path / "models")
        with (tmp_path / "models" / "digits" / "model.yaml").open("a") as spec:
            spec.write(more)
        for file, content in (
            ("endpoints/it.yaml", endpoint),
            ("environments/test.yaml", {"account": "111122223333", "region": "eu-west-1"}),
        ):
            (tmp_path / file).parent.mkdir()
            (tmp_path / file).write_text(yaml.safe_dump(content), encoding="utf-8")
        lock(tmp_path)
        found = Project(tmp_path)
        locked = found.lock.models["digits"].model_copy(update=said)
        found.artifact_folder("digits", locked.digest).joinpath("model.tar.gz").unlink()
        found.lock_file.write_text(Lock(models={"digits": locked}).text(), encoding="utf-8")
        app = App(analytics_reporting=False, context=flags, outdir=str(tmp_path / "out"))
        Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app), Preflight())
        define(app, deployment=Project(tmp_path).deployment("test"), source_root=sources)
        app.synth()
        written: dict[str, Any] = json.loads((tmp_path / "out" / "slipway-test-it.template.json").read_text())
        assets = json.loads((tmp_path / "out" / "slipway-test-it.assets.json").read_text())
        assert [name for name in assets["files"] if "gz" in json.dumps(assets["files"][name])] == []
        return written

    return run


@pytest.fixture
def synth_there(synth: Callable[..., dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda endpoint: synth(endpoint, {"location": PLACE})


@pytest.mark.parametrize(
    "endpoint",
    [
        {"kind": "realtime", "variants": [VARIANT]},
        {"kind": "multi-container", "instance_type": "ml.c7i.xlarge", "containers": CONTAINERS},
    ],
    ids=["realtime", "multi-container"],
)
def test_files_are_read_where_they_lie(
    synth_there: Callable[[dict[str, Any]], dict[str, Any]], of_type: Of, endpoint: dict[str, Any]
) -> None:
    template = synth_there(endpoint)
    [model] = of_type(template, "SageMaker::Model")
    containers = model["Properties"].get("Containers") or [model["Properties"]["PrimaryContainer"]]
    there = {"CompressionType": "None", "S3DataType": "S3Prefix", "S3Uri": PLACE.uri}
    assert [container["ModelDataSource"] for container in containers] == [{"S3DataSource": there}] * len(containers)
    assert not [container for container in containers if "ModelDataUrl" in container]
    statements = [
        statement
        for policy in of_type(template, "IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    [read] = [one for one in statements if one["Action"] == "s3:GetObject"]
    [listing] = [one for one in statements if one["Action"] == "s3:ListBucket"]
    assert read["Resource"] == "arn:aws:s3:::built/artifacts/digits/0123/files/*"
    assert listing["Condition"]["StringLike"] == {"s3:prefix": "artifacts/digits/0123/files/*"}
    assert KEY in json.dumps([one["Resource"] for one in statements if "kms:Decrypt" in one["Action"]])


def test_what_neo_compiled_is_an_archive_that_lies_there_already(
    synth: Callable[..., dict[str, Any]], of_type: Of
) -> None:
    neo = Neo.model_validate({"where": "sagemaker", "device": "ml_c5", "unproved": True})
    compiled = Optimized(
        job="it",
        settings=neo.settings(hashlib.sha256(b"digits").hexdigest()),
        location=PLACE,
        size_bytes=7,
        archive="model-ml_c5.tar.gz",
        device="ml_c5",
    )
    uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-neo-onnx:1.5.0-cpu-py3"
    variant = {**VARIANT, "instance_type": "ml.c5.xlarge", "server": {"name": "image", "uri": uri}}
    asked = "neo: {where: sagemaker, device: ml_c5, unproved: true}"
    template = synth({"kind": "realtime", "variants": [variant]}, {"optimized": compiled}, asked)
    [model] = of_type(template, "SageMaker::Model")
    container = model["Properties"]["PrimaryContainer"]
    assert container["ModelDataUrl"] == f"{PLACE.uri}model-ml_c5.tar.gz"
    assert container["Image"] == uri
    assert "artifacts/digits/0123/files/*" in json.dumps(of_type(template, "IAM::Policy"))
