"""The example of large language models: never built here, but locked as a build in the cloud locks, and synthesised."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App

from slipway.catalog import instance_types
from slipway.fit import Options, model_of_config, plan
from slipway.preflight import Severity, check
from slipway.specs import Archive, Lock, LockedModel, Project
from slipway.specs.language_artifact import LanguageFacts, LockedLanguage
from slipway.specs.location import Location
from stacks import define

if TYPE_CHECKING:
    from slipway.fit import Model

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "language-models"
NOTICE = """\
# No file of these models was ever built: the entries have the form that `slipway build` gives a model whose files stay
# in S3, and the numbers that follow from its config.json. Hashes are those of the models' names.
"""
KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"
BUCKET = "slipway-builds-111122223333"
Template = dict[str, Any]


def shape(name: str) -> Model:
    return model_of_config(json.loads((EXAMPLE / "models" / name / "config.json").read_text()), name)


def size(model: Model) -> int:
    assert model.parameters is not None
    return 2 * model.parameters


def locked(project: Project, name: str) -> LockedModel:
    """The entry of a model as a build would write it that kept the files as they were."""
    model, spec = shape(name), project.models[name]
    wanted = None if spec.llm is None else spec.llm.instance_type
    digest = hashlib.sha256(name.encode()).hexdigest()
    stored = replace(model, parameters=None, weight_bytes=size(model))
    plans = {it: plan(stored, Options(engine="vllm"), machine) for it, machine in instance_types().items()}
    degrees = {it: found.degree for it, found in plans.items() if found is not None and found.degree is not None}
    facts = {key: getattr(model, key) for key in LanguageFacts.model_fields} | {"weight_bytes": size(model)}
    architectures = json.loads((EXAMPLE / "models" / name / "config.json").read_text())["architectures"]
    return LockedModel(
        digest=digest,
        sources=project.sources_hash(name),
        target="llm",
        archive=Archive(sha256=digest, size_bytes=size(model)),
        reference_bytes=size(model),
        metric="next_token_agreement",
        value=1.0,
        recipe="as-is",
        layout="prefix",
        benchmark=(),
        location=Location(
            account="111122223333",
            key_arn=KEY,
            region="us-east-1",
            uri=f"s3://{BUCKET}/artifacts/{name}/{digest}/files/",
        ),
        language=LockedLanguage(
            architecture=architectures[0],
            precision="as-is",
            facts=LanguageFacts(**facts),
            degrees={
                it: degree for it, degree in degrees.items() if wanted in (None, it) and instance_types()[it].regions
            },
            files=("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        ),
    )


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    root = tmp_path_factory.mktemp("example") / "project"
    shutil.copytree(EXAMPLE, root)
    flags = json.loads((EXAMPLE / "cdk.json").read_text())["context"]
    app = App(
        analytics_reporting=False, builtin_cloud_formation_validation=False, context=flags, outdir=str(root / "o")
    )
    define(app, deployment=Project(root).deployment("prod"), source_root=REPOSITORY)
    return {stack.stack_name: stack.template for stack in app.synth().stacks}


def of(template: Template, kind: str) -> dict[str, Any]:
    [found] = [it for it in template["Resources"].values() if it["Type"] == f"AWS::SageMaker::{kind}"]
    return dict(found)


def stack(templates: dict[str, Template], name: str) -> Template:
    [found] = [template for key, template in templates.items() if key.endswith(name)]
    return found


def test_lock_says_what_follows_from_the_configs() -> None:
    project = Project(EXAMPLE)
    text = NOTICE + Lock(models={name: locked(project, name) for name in sorted(project.models)}).text()
    if os.environ.get("SLIPWAY_UPDATE_SNAPSHOTS"):
        project.lock_file.write_text(text)
    assert project.lock_file.read_text() == text


def test_sizes_are_those_of_their_kind() -> None:
    assert size(shape("gpt-j-6b")) / 2**30 == pytest.approx(11.3, abs=0.1)
    assert size(shape("writer-175b")) / 1e9 == pytest.approx(350, rel=0.02)


@pytest.mark.parametrize(
    ("endpoint", "machine", "degree", "startup"),
    [("gpt-j", "ml.g5.12xlarge", "1", 1140), ("writer", "ml.p5.48xlarge", "8", 3600)],
)
def test_endpoint_is_synthesised(
    templates: dict[str, Template], endpoint: str, machine: str, degree: str, startup: int
) -> None:
    made = stack(templates, endpoint)
    container = of(made, "Model")["Properties"]["PrimaryContainer"]
    assert container["Image"].endswith("/djl-inference:0.38.0-lmi29.0.0-cu130")
    assert container["Environment"]["OPTION_TENSOR_PARALLEL_DEGREE"] == degree
    assert container["ModelDataSource"]["S3DataSource"]["S3Uri"].startswith(f"s3://{BUCKET}/artifacts/")
    [variant] = of(made, "EndpointConfig")["Properties"]["ProductionVariants"]
    assert (variant["InstanceType"], variant["InferenceAmiVersion"]) == (
        machine,
        "al2023-ami-sagemaker-inference-gpu-4-1",
    )
    loading = int(container["Environment"]["OPTION_MODEL_LOADING_TIMEOUT"])
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == startup
    assert startup >= loading + 120


@pytest.mark.parametrize("endpoint", ["gpt-j", "writer"])
def test_check_of_the_template_finds_no_error(templates: dict[str, Template], endpoint: str) -> None:
    findings = check(stack(templates, endpoint), region="us-east-1")
    assert [it for it in findings if it.severity is Severity.ERROR and it.acknowledged is None] == []


def test_check_of_the_template_knows_what_lies_on_which_machine(templates: dict[str, Template]) -> None:
    made = copy.deepcopy(stack(templates, "writer"))
    of(made, "EndpointConfig")["Properties"]["ProductionVariants"][0]["InstanceType"] = "ml.p4d.24xlarge"
    [found] = [it for it in check(made, region="us-east-1") if it.rule == "ModelDoesNotFit"]
    assert "ml.p4d.24xlarge" in found.message
