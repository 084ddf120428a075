"""What the how-to says, done: deployed by the real cdk, asked by name and by weight, changed while somebody asks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from slipway.specs.endpoint import EndpointSpec
from slipway.specs.reader import read
from slipway.specs.validate import validate
from tests.caller import Caller
from tests.local_cloud.conftest import Aws, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.local_cloud import Cloud

    Run = subprocess.CompletedProcess[str]

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "realtime.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "endpoints" / "sentence-embedder.yaml").read_text(encoding="utf-8")
SLIPWAY = Path(sys.executable).with_name("slipway")
REQUEST = json.dumps({"inputs": ["a ship slides into the sea"]}).encode()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return ("sentence-embedder",)


@pytest.fixture
def cloud(project_copy: Path) -> Iterator[Cloud]:
    from slipway import local_cloud

    started = local_cloud.start(project_copy, leash=True)
    yield started
    local_cloud.stop(started)


def accepted(spec: str, folder: Path) -> Any:
    (folder / "given.yaml").write_text(spec, encoding="utf-8")
    return validate(read(folder / "given.yaml", "given.yaml"), EndpointSpec)


def test_specs_are_the_example_two_ways_to_scale_it_and_a_shadow(tmp_path: Path) -> None:
    example, custom, step, trial = blocks("yaml")
    assert example == EXAMPLE
    for block, track in ((custom, "custom"), (step, "step")):
        merged = yaml.safe_dump({**yaml.safe_load(example), **yaml.safe_load(block)})
        assert accepted(merged, tmp_path).scaling.track == track
    assert accepted(trial, tmp_path).shadow.name == "watched"


@pytest.mark.local_cloud
@pytest.mark.slow
def test_page_is_followed_and_a_new_version_fails_no_request(
    project_copy: Path, cloud: Cloud, cdk: Callable[..., Run], bootstrap: Callable[[dict[str, str]], None]
) -> None:
    aws, connection = Aws(cloud), cloud.environment()
    (project_copy / "endpoints" / "trial.yaml").write_text(blocks("yaml")[3], encoding="utf-8")
    first, *asked = [line.removeprefix("$ ").split() for line in blocks("console")[0].splitlines()]
    [trial] = re.findall(r"`npx cdk deploy (slipway-local-trial)`", TEXT)
    deploy = [*first[2:], "--require-approval", "never"]
    bootstrap(connection)
    done = cdk(project_copy, *deploy, trial, connection=connection)
    assert done.returncode == 0, done.stdout + done.stderr

    before = {words[-1]: vectors(run([str(SLIPWAY), *words[1:]], project_copy, connection)) for words in asked}
    assert {name: len(found[0]) for name, found in before.items()} == {"int8": 384, "fp32": 384}
    assert before["int8"] != before["fp32"]
    counted = json.loads(run([sys.executable, "-c", blocks("python")[0]], project_copy, connection))
    assert counted.keys() == {"int8", "fp32"}
    assert 155 <= counted["int8"] <= 199  # 180 of 200 expected, about five standard deviations either way
    shadow_is_asked_and_not_heard(aws)
    endpoint_passes_the_checks(project_copy, connection)

    example = project_copy / "endpoints" / "sentence-embedder.yaml"
    example.write_text(EXAMPLE.replace("model: minilm-fp32", "model: minilm"), encoding="utf-8")
    with Caller(connection, "sentence-embedder", Body=REQUEST) as caller:
        done = cdk(project_copy, *deploy, connection=connection)
    assert done.returncode == 0, done.stdout + done.stderr
    assert caller.failures == []
    assert caller.answered > 3
    after = {words[-1]: vectors(run([str(SLIPWAY), *words[1:]], project_copy, connection)) for words in asked}
    for name in ("int8", "fp32"):  # alone a request gets every core, in company one: the last digits may differ
        np.testing.assert_allclose(after[name], before["int8"], atol=1e-4)


def shadow_is_asked_and_not_heard(aws: Aws) -> None:
    for _ in range(10):
        assert aws.invoke("trial", Body=REQUEST)["InvokedProductionVariant"] == "answers"
    config = aws.sagemaker.describe_endpoint(EndpointName="trial")["EndpointConfigName"]
    described = aws.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    bucket, prefix = described["DataCaptureConfig"]["DestinationS3Uri"].removeprefix("s3://").split("/", 1)

    def variants() -> set[str]:
        found = aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {name for entry in found for name in ("answers", "watched") if f"/{name}/" in entry["Key"]}

    eventually(lambda: variants() == {"answers", "watched"})


def endpoint_passes_the_checks(project: Path, connection: dict[str, str]) -> None:
    page = (ROOT / "docs" / "how-to" / "conform.md").read_text(encoding="utf-8")
    [asked] = re.findall(r"\$ slipway (conform --endpoint .*)", page)
    (project / "several.json").write_text(json.dumps({"inputs": ["one ship", *["three ships " * 200] * 8]}))
    streamed = ["--stream", "application/jsonlines", "--stream-example", "several.json"]
    words = [str(SLIPWAY), *asked.split(), *streamed, "--format", "json"]
    done = subprocess.run(
        words, cwd=project, env={**os.environ, **connection}, capture_output=True, text=True, check=False, timeout=300
    )
    outcomes = {check["check"]: (check["outcome"], check["saw"]) for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, (outcomes, done.stderr)
    assert {name for name, (outcome, _) in outcomes.items() if outcome == "passed"} == {
        *("ExampleAnswered", "AnswerNamesItsType", "ContentTypeUnknown", "AcceptUnknown", "CharsetTaken"),
        *("MalformedBodyRefused", "CustomAttributesTaken", "SixMebibytes", "ManyAtOnceAnswered", "StreamComesInParts"),
    }


def vectors(said: str) -> list[list[float]]:
    found: list[list[float]] = json.loads(said)["embeddings"]
    return found


def run(words: list[str], project: Path, connection: dict[str, str]) -> str:
    environment = {**os.environ, **connection}
    done = subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
