"""What the pages of djl-mpi and djl-deepspeed say, done: one model behind three servers, deployed by the real cdk."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from slipway import local_cloud
from slipway.local_cloud.cloud import status as cloud_status
from slipway.local_cloud.hosts.djl import LABEL
from slipway.specs.servers import DjlDeepSpeed, DjlMpi
from tests.local_cloud.conftest import Aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Cdk = Callable[..., subprocess.CompletedProcess[str]]

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
MPI, DEEPSPEED, WEIGHTS = (
    (PAGES / f"{name}.md").read_text(encoding="utf-8")
    for name in ("djl-mpi", "djl-deepspeed", "build-a-language-model")
)
SLIPWAY = Path(sys.executable).with_name("slipway")


def block(page: str, language: str, number: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[number])


@pytest.mark.parametrize(("page", "server"), [(MPI, DjlMpi), (DEEPSPEED, DjlDeepSpeed)])
def test_every_option_is_in_the_table(page: str, server: Any) -> None:
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE))))
    assert named == set(server.model_fields) - {"name"}


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return ()


@pytest.fixture
def project(project_copy: Path) -> Path:
    """A copy of the project with the page's model, built, and its endpoint, with DeepSpeed as a third variant."""
    folder = project_copy / "models" / "counter"
    folder.mkdir()
    (folder / "model.yaml").write_text(block(MPI, "yaml"))
    subprocess.run([sys.executable, "-c", block(WEIGHTS, "python")], cwd=project_copy, check=True, capture_output=True)
    subprocess.run([SLIPWAY, "build", "counter"], cwd=project_copy, check=True, capture_output=True)
    spec = yaml.safe_load(block(MPI, "yaml", 1))
    spec["variants"].append(yaml.safe_load(block(DEEPSPEED, "yaml")))
    (project_copy / "endpoints" / "counter.yaml").write_text(yaml.safe_dump(spec))
    return project_copy


@pytest.fixture
def aws(project: Path, cdk: Cdk, bootstrap: Callable[[dict[str, str]], None]) -> Iterator[Aws]:
    cloud = local_cloud.start(project, leash=True)
    try:
        bootstrap(cloud.environment())
        words = block(MPI, "console").splitlines()[1].removeprefix("$ npx cdk ").split()
        done = cdk(project, *words, connection=cloud.environment())
        assert done.returncode == 0, done.stderr
        yield Aws(cloud)
    finally:
        local_cloud.stop(cloud)


def ask(aws: Aws, variant: str, **more: Any) -> Any:
    body = json.dumps({**json.loads(block(MPI, "json")), **more})
    answer = aws.invoke("counter", TargetVariant=variant, Body=body)
    return json.loads(answer["Body"].read())


def stream(aws: Aws, variant: str) -> list[dict[str, Any]]:
    body = json.dumps({**json.loads(block(MPI, "json")), "stream": True})
    answer = aws.runtime.invoke_endpoint_with_response_stream(
        EndpointName="counter", TargetVariant=variant, Body=body, ContentType="application/json"
    )
    sent = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"])
    return [json.loads(line) for line in sent.splitlines()]


@pytest.mark.local_cloud
@pytest.mark.slow
def test_three_servers_go_on_alike_and_say_what_they_are(aws: Aws, project: Path) -> None:
    whole = {variant: ask(aws, variant) for variant in ("mpi", "lmi", "deepspeed")}
    assert {answer["generated_text"] for answer in whole.values()} == {"w6 w7 w8 w9"}
    tokens = [token["id"] for token in whole["mpi"]["details"]["tokens"]]
    for variant in whole:
        lines = stream(aws, variant)
        assert [line["token"]["id"] for line in lines] == tokens
        assert lines[-1]["generated_text"] == "w6 w7 w8 w9"
    logs = sorted((project / ".slipway" / "clouds").glob("*/logs/*/counter/**/*.log"))
    said = [log.read_text() for log in logs]
    assert [LABEL in text for text in said] == [True] * 3
    [endpoint] = cloud_status(aws.cloud.port)["endpoints"]
    told = [one["stand_in"] for variant in endpoint["variants"] for one in variant["containers"]]
    assert told == [LABEL] * 3
    assert sum("rank 1 of 2 holds" in text for text in said) == 2
    assert sum("in place of vLLM" in text for text in said) == 1
