"""What the how-to says, done: a build stack deployed by the real cdk, two models built in it, deployed, asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from model_build.digest import digest
from slipway import local_cloud
from slipway.cli.cloud_optimize import CANNOT
from slipway.operations.build_executions import QUEUED
from slipway.specs import ModelSpec, Project
from slipway.specs.environment import Builds
from slipway.specs.reader import read
from slipway.specs.validate import validate
from tests.local_cloud.conftest import Aws, eventually
from tests.model_build.conftest import CLASSIFIER, write_classifier, write_scaler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.local_cloud import Cloud

    Run = subprocess.CompletedProcess[str]

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "build-in-the-cloud.md").read_text(encoding="utf-8")
SLIPWAY = str(Path(sys.executable).with_name("slipway"))
ENVIRONMENT = """account: "000000000000"
region: us-east-1
images: {onnxruntime: slipway/onnxruntime:local}
builds: {image: slipway/model-build:local}
keep_data: false
"""
ENDPOINT = """kind: realtime
variants:
  - {{name: only, model: {model}, instance_type: ml.c7i.xlarge}}
rollout: {{strategy: all-at-once, bake_minutes: 0, terminate_after_seconds: 0}}
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def waiting_for(word: Path) -> str:
    """The beginning of a source that is loaded no sooner than somebody says so."""
    return f"import pathlib, time\nwhile not pathlib.Path({str(word)!r}).exists():\n    time.sleep(0.05)\n"


def read_until(process: subprocess.Popen[str], *words: str) -> None:
    """Read what a command says until it has said all of this."""
    assert process.stderr is not None
    said = ""
    while not all(word in said for word in words):
        line = process.stderr.readline()
        assert line != "", said
        said += line


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two tiny models as the page writes them: one that stays in S3, one that is fetched."""
    root = tmp_path / "project"
    write_scaler(root)
    write_classifier(root)
    fetched, _, kept, *_ = blocks("yaml")
    for model, block in (("halver", kept), ("quarters", fetched)):
        with (root / "models" / model / "model.yaml").open("a") as spec:
            spec.write(block)
        source = root / "models" / model / "source.py"
        source.write_text(waiting_for(root / "word") + source.read_text())
    for folder, file, content in (
        ("endpoints", "halver", ENDPOINT.format(model="halver")),
        ("endpoints", "quarters", ENDPOINT.format(model="quarters")),
        ("environments", "local", ENVIRONMENT),
    ):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / f"{file}.yaml").write_text(content)
    for file in ("app.py", "cdk.json"):
        shutil.copy2(ROOT / file, root / file)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    return Project(root)


@pytest.fixture
def cloud(project: Project) -> Iterator[Cloud]:
    started = local_cloud.start(project.root, leash=True)
    yield started
    local_cloud.stop(started)


class House:
    """A project and its cloud."""

    def __init__(self, project: Project, cloud: Cloud, cdk: Callable[..., Run]) -> None:
        self.root, self.aws = project.root, Aws(cloud)
        self._connection, self._cdk = cloud.environment(), cdk

    @property
    def project(self) -> Project:
        return Project(self.root)

    def deploy(self, *words: str) -> None:
        done = self._cdk(self.root, *words, connection=self._connection)
        assert done.returncode == 0, done.stdout + done.stderr

    def slipway(self, *words: str) -> Run:
        return subprocess.run(
            self.command(*words), cwd=self.root, env=self.environment(), capture_output=True, text=True, check=False
        )

    def command(self, *words: str) -> list[str]:
        return [SLIPWAY, *words]

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words), cwd=self.root, env=self.environment(), stderr=subprocess.PIPE, text=True
        )

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self._connection}

    def asked(self, endpoint: str, request: Any) -> Any:
        body = json.dumps(request).encode()
        answer = self.aws.invoke(endpoint, Body=body)
        return json.loads(answer["Body"].read())

    def executions(self, status: str | None = None) -> list[str]:
        states = self.aws.client("stepfunctions")
        [machine] = [one["stateMachineArn"] for one in states.list_state_machines()["stateMachines"]]
        asked = {"stateMachineArn": machine} | ({} if status is None else {"statusFilter": status})
        return [one["executionArn"] for one in states.list_executions(**asked)["executions"]]

    def jobs(self) -> list[dict[str, Any]]:
        found = self.aws.sagemaker.list_processing_jobs(MaxResults=100)["ProcessingJobSummaries"]
        return [self.aws.sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"]) for job in found]


def test_specs_are_a_build_an_environments_and_a_build_that_stays(tmp_path: Path) -> None:
    fetched, builds, kept, optimize, neo = blocks("yaml")
    base = (
        "task: image-classification\nsource: {python: a.py:b}\ntarget: cpu\nverify: {metric: accuracy, at_least: 1}\n"
    )
    (tmp_path / "model.yaml").write_text(base + neo)
    assert validate(read(tmp_path / "model.yaml", "model.yaml"), ModelSpec).neo.device == "ml_c5"
    keep = []
    for block in (fetched, kept):
        (tmp_path / "model.yaml").write_text(base + block)
        spec = validate(read(tmp_path / "model.yaml", "model.yaml"), ModelSpec)
        keep.append(spec.build.keep)
    assert keep == ["archive", "files"]
    llm = (
        "task: text-generation\nsource: {huggingface: a}\ntarget: llm\nverify: {metric: kl_similarity, at_least: 0.9}\n"
    )
    (tmp_path / "model.yaml").write_text(llm + optimize)
    assert validate(read(tmp_path / "model.yaml", "model.yaml"), ModelSpec).optimize.technique[0] == "quantization"
    (tmp_path / "it.yaml").write_text(builds.removeprefix("builds: "))
    assert validate(read(tmp_path / "it.yaml", "it.yaml"), Builds).max_at_once == 4


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--force"], 2, "halver, quarters: --force builds on this machine: add --here, or name other models"),
        (["nothing"], 2, "models/nothing/model.yaml does not exist (known: halver, quarters)"),
        (["-e", "bare"], 2, "environments/bare.yaml has no 'builds': no model is built there"),
        ([], 3, "no local cloud of this project is running: start one with `slipway local up`"),
    ],
)
def test_command_refuses_what_cannot_be(project: Project, words: list[str], code: int, said: str) -> None:
    (project.root / "environments" / "bare.yaml").write_text('account: "111122223333"\nregion: eu-west-1\n')
    done = subprocess.run([SLIPWAY, "build", *words], cwd=project.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (code, said)


def test_sentence_that_ends_a_build_here_is_the_commands_own() -> None:
    assert f"counter: {CANNOT}\n" in TEXT


@pytest.mark.local_cloud
@pytest.mark.slow
def test_page_is_followed(
    project: Project, cloud: Cloud, cdk: Callable[..., Run], bootstrap: Callable[[dict[str, str]], None]
) -> None:
    house = House(project, cloud, cdk)
    stack, begin, build, everything = [line.removeprefix("$ ").split() for line in blocks("console")[0].splitlines()]
    approved = ["--require-approval", "never"]
    bootstrap(cloud.environment())

    early = house.slipway(*build[1:])
    assert early.returncode == 3
    assert f"run `npx cdk deploy {stack[3]} -c environment=local -c part=build`" in early.stderr
    house.deploy(*stack[2:], *approved)

    begun = house.slipway(*begin[1:])
    assert begun.returncode == 0, begun.stderr
    assert not house.project.lock_file.exists() or not house.project.lock.models
    [execution] = house.executions("RUNNING")
    built = house.begin(*build[1:])
    digests = {name: digest(house.project, name)[:12] for name in ("halver", "quarters")}
    read_until(built, *[f"{name}: {hashed} is being built in the cloud already" for name, hashed in digests.items()])
    eventually(lambda: len(house.jobs()) == 2, seconds=240)
    (house.root / "word").touch()  # and not before: the build would be over before somebody waits for it
    said = built.communicate(timeout=300)[1]
    assert built.returncode == 0, said
    assert house.executions() == [execution]
    first, second = sorted(house.jobs(), key=lambda job: str(job["ProcessingStartTime"]))
    assert second["ProcessingStartTime"] < first["ProcessingEndTime"], "one after the other"

    lock = house.project.lock.models
    fetched, kept = (house.project.artifact_folder(name, lock[name].digest) for name in ("quarters", "halver"))
    assert {file.name for file in fetched.iterdir()} == {"manifest.json", "model.tar.gz", "report.html"}
    assert {file.name for file in kept.iterdir()} == {"location.json", "manifest.json", "report.html"}
    assert lock["quarters"].location is None
    assert lock["halver"].location is not None
    assert lock["halver"].location.uri.endswith(f"/artifacts/halver/{lock['halver'].digest}/files/")

    house.deploy(*everything[2:], *approved)
    answer = house.asked("halver", {"inputs": [[[[8.0] * 4] * 6]]})
    assert answer["inputs"][0][0][0] == pytest.approx([8.0, 8.0])
    bright = [[0.0] * 8] * 4 + [[0.0] * 4 + [1.0] * 4] * 4
    assert house.asked("quarters", {"inputs": [[bright]]})["predictions"][0]["label"] == "d"

    again = house.slipway(*build[1:], "--format", "json")
    assert [model["built"] for model in json.loads(again.stdout)["models"]] == [False, False]
    assert house.executions() == [execution]

    one_fails_and_the_other_stands(house)


def one_fails_and_the_other_stands(house: House) -> None:
    """Interrupted and asked again, so that it is the same build that is waited for."""
    before = house.project.lock.models
    with (house.root / "models" / "halver" / "source.py").open("a") as source:
        source.write("\n# changed\n")
    # What it learns is right for no picture that it is judged on.
    lazy = CLASSIFIER.replace("held_out_labels=truth[40:]", "held_out_labels=(truth[40:] + 1) % 4")
    word = house.root / "word"
    word.unlink()
    (house.root / "models" / "quarters" / "source.py").write_text(waiting_for(word) + lazy)
    running = house.begin("build")
    read_until(running, f"halver: {QUEUED} ")  # that is over, so the command waits for the build
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=300)[1]
    assert running.returncode == 4
    assert "the same command waits for them again" in said
    assert len(house.executions("RUNNING")) == 1

    word.touch()
    ended = house.slipway("build")
    assert ended.returncode == 1, ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("quarters: accuracy is 0.000000"), ended.stderr
    assert len(house.executions()) == 2
    after = house.project.lock.models
    assert after["halver"].digest != before["halver"].digest
    assert after["quarters"] == before["quarters"]
