"""What goes up: archives under their digest, the server's image where there is no prebuilt one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import AssetStaging

from tests.stacks.conftest import synthesise

Template = dict[str, Any]
Assemblies = dict[str, tuple[Path, dict[str, Template]]]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]

VARIANT = {"name": "only", "model": "digits", "instance_type": "ml.c7i.xlarge"}


def assets(out: Path, stack: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / f"{stack}.assets.json").read_text(encoding="utf-8"))
    return found


def test_archive_lies_under_the_endpoints_own_prefix(assemblies: Assemblies, of_type: Of) -> None:
    out, templates = assemblies["dev"]
    [model] = of_type(templates["slipway-dev-digit-reader"], "SageMaker::Model")
    bucket = "cdk-hnb659fds-assets-111122223333-eu-west-1"
    url = model["Properties"]["PrimaryContainer"]["ModelDataUrl"]
    assert url.startswith(f"s3://{bucket}/slipway/dev-digit-reader/")
    keys = [
        destination["objectKey"]
        for entry in assets(out, "slipway-dev-digit-reader")["files"].values()
        for destination in entry["destinations"].values()
    ]
    assert url.removeprefix(f"s3://{bucket}/") in keys


def test_archive_arrives_byte_for_byte(assemblies: Assemblies) -> None:
    out, _ = assemblies["dev"]
    files = [entry["source"]["path"] for entry in assets(out, "slipway-dev-digit-reader")["files"].values()]
    [archive] = [path for path in files if path.endswith(".tar.gz")]
    assert (out / archive).read_bytes() == b"digits"


def test_files_that_differ_in_their_ending_alone_all_go_up(assemblies: Assemblies) -> None:
    out, _ = assemblies["dev"]
    files = assets(out, "slipway-dev-split-writer")["files"].values()
    keys = {at["objectKey"].rpartition("/")[2]: entry for entry in files for at in entry["destinations"].values()}
    assert {"model.py", "model.safetensors", "tokenizer.json", "serving.properties"} <= keys.keys()
    assert (out / keys["model.safetensors"]["source"]["path"]).read_bytes() == b"{}"
    assert b"djl-mpi" in (out / keys["model.py"]["source"]["path"]).read_bytes()


def test_files_that_a_killed_synth_left_half_copied_are_copied_anew(
    assemblies: Assemblies, project: Path, sources: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(assemblies["local"][0], tmp_path / "cdk.out")
    copied = [path for path in out.glob("asset.*") if path.is_file()]
    assert {path.name.split(".", 2)[-1] for path in copied} >= {"safetensors", "tar.gz", "py"}
    for path in copied:
        os.truncate(path, path.stat().st_size // 2)
    AssetStaging.clear_asset_hash_cache()  # of this process, which has copied them once
    synthesise(project, sources, "local", out)
    whole = assemblies["local"][0]
    assert {path.name: path.read_bytes() for path in copied} == {
        path.name: (whole / path.name).read_bytes() for path in copied
    }
    assert list(out.glob(".asset.*")) == []


def test_model_of_two_variants_goes_up_once(
    synth: Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]], of_type: Of, tmp_path: Path
) -> None:
    made = synth({"variants": [VARIANT, {**VARIANT, "name": "other"}]}, {})["slipway-test-it"]
    urls = {model["Properties"]["PrimaryContainer"]["ModelDataUrl"] for model in of_type(made, "SageMaker::Model")}
    assert len(urls) == 1
    files = assets(tmp_path / "cdk.out", "slipway-test-it")["files"].values()
    assert len([entry for entry in files if entry["source"]["path"].endswith(".tar.gz")]) == 1


def test_image_is_a_plain_name_locally_and_built_for_x86_on_aws(assemblies: Assemblies, of_type: Of) -> None:
    local, dev = assemblies["local"], assemblies["dev"]
    [model] = of_type(local[1]["slipway-local-digit-reader"], "SageMaker::Model")
    assert model["Properties"]["PrimaryContainer"]["Image"] == "slipway/onnxruntime:local"
    assert assets(local[0], "slipway-local-digit-reader").get("dockerImages", {}) == {}
    [image] = assets(dev[0], "slipway-dev-digit-reader")["dockerImages"].values()
    assert image["source"]["dockerFile"] == "containers/onnxruntime/Dockerfile"
    assert image["source"]["platform"] == "linux/amd64"


def test_image_is_built_from_the_server_and_its_dockerfile_alone(assemblies: Assemblies) -> None:
    out, _ = assemblies["dev"]
    [image] = assets(out, "slipway-dev-digit-reader")["dockerImages"].values()
    context = out / image["source"]["directory"]
    files = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    assert files == {"containers/onnxruntime/Dockerfile", "serving/__init__.py"}


def test_prebuilt_private_image_may_be_pulled_from_its_repository_alone(
    synth: Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]], of_type: Of
) -> None:
    image = "999988887777.dkr.ecr.eu-west-1.amazonaws.com/team/server@sha256:" + "0" * 64
    made = synth({}, {"images": {"onnxruntime": image}})["slipway-test-it"]
    [model] = of_type(made, "SageMaker::Model")
    assert model["Properties"]["PrimaryContainer"]["Image"] == image
    pulls = [
        statement["Resource"]
        for policy in of_type(made, "IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "ecr:BatchGetImage" in statement["Action"]
    ]
    assert pulls == ["arn:aws:ecr:eu-west-1:999988887777:repository/team/server"]


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_changed_archive_replaces_its_model_and_the_config_and_nothing_else(
    template: Get, synth_changed: Callable[..., dict[str, Template]], environment: str
) -> None:
    before = template(environment, "sentence-embedder")["Resources"]
    after = synth_changed(environment, minilm=b"other bytes")[f"slipway-{environment}-sentence-embedder"]["Resources"]
    assert before.keys() == after.keys()
    [changed] = [name for name, resource in before.items() if resource != after[name]]
    assert before[changed]["Type"] == "AWS::SageMaker::Model"
    urls = {made[changed]["Properties"]["PrimaryContainer"]["ModelDataUrl"] for made in (before, after)}
    assert len(urls) == 2
    # CloudFormation names the new model, and with that name the config changes.
    users = [entry for name, entry in before.items() if name != changed and changed in json.dumps(entry)]
    assert [entry["Type"] for entry in users] == ["AWS::SageMaker::EndpointConfig"]
