"""What the how-to says, done: our own server passes every check, with one model and with many."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any, get_args

import httpx
import numpy as np
import onnxruntime
import pytest

from slipway.cli.invoke import PROMPT, example_of
from slipway.local_cloud.ports import free_port
from slipway.operations.conform import Need, checks
from slipway.specs import Project
from slipway.specs.hosted import answering
from slipway.specs.servers import Lmi, ServerName, Triton
from slipway.specs.servers.triton_files.archive import contents
from tests.local_cloud.conftest import eventually
from tests.servers.toolkits import artifact
from tests.serving.conftest import direct_logits, write_classifier

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "conform.md").read_text(encoding="utf-8")
SLIPWAY = Path(sys.executable).with_name("slipway")
RUNNING, STARTED, NAMED, MANY, ENDPOINT, PIPELINE = re.findall(r"```console\n\$ slipway (.*?)\n```", PAGE)
QUESTIONS = {"request": [0.1, 0.2, 0.3, 0.4], "other": [0.9, -0.2, 0.3, 0.4]}
SERVERS = ", ".join(get_args(ServerName))
LABELS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page speaks of: a model, one that is broken, two for one server, and requests."""
    root = tmp_path_factory.mktemp("conform")
    for name in ("model", "broken", "models/first", "models/second"):
        (root / name).mkdir(parents=True)
        write_classifier(root / name)
    (root / "broken" / "model.onnx").write_bytes(b"no model")
    for name, row in QUESTIONS.items():
        (root / f"{name}.json").write_text(json.dumps({"inputs": [row]}))
    (root / "answer.json").write_text(json.dumps(answer(root / "model", QUESTIONS["request"])))
    (root / "other-answer.json").write_text(json.dumps(answer(root / "model", QUESTIONS["other"])))
    slow = lasting(root / "model", 0.4)
    (root / "slow.json").write_text(json.dumps({"inputs": [slow]}))
    (root / "several.json").write_text(json.dumps({"inputs": [[value / 4 for value in slow]] * 3}))
    return root


def answer(model: Path, row: list[float]) -> dict[str, Any]:
    powers = np.exp(direct_logits(model, np.array([row])).astype(np.float64))[0]
    scores = [float(score) for score in powers / powers.sum()]
    best = int(np.argmax(scores))
    return {"predictions": [{"label": LABELS[best], "score": scores[best], "scores": scores}]}


def lasting(model: Path, seconds: float) -> list[float]:
    session = onnxruntime.InferenceSession(model / "model.onnx", providers=["CPUExecutionProvider"])
    steps, took = 2000, []
    for _ in range(5):
        began = time.perf_counter()
        session.run(None, {"x": np.full((1, 4), steps, dtype=np.float32)})
        took.append(time.perf_counter() - began)
    return [float(int(steps / min(took) * seconds)), 0.0, 0.0, 0.0]  # the others were kept from it


def words(command: str) -> tuple[list[str], str]:
    """Return the page's command for a free port and this Python, and the URL."""
    url = f"http://127.0.0.1:{free_port()}"
    said = command.replace("http://127.0.0.1:8080", url).replace("python -m serving", f"{sys.executable} -m serving")
    return [str(SLIPWAY), *shlex.split(said.partition(" > ")[0])], url


def variables() -> dict[str, str]:
    return {**os.environ, "SLIPWAY_BIND_HOST": "127.0.0.1", "SLIPWAY_THREADS": "2", "SLIPWAY_BATCH_SIZE": "1"}


def conform(command: str, folder: Path) -> tuple[int, dict[str, Any]]:
    asked, _ = words(command)
    if "--format" not in asked:
        asked += ["--format", "json"]
    done = subprocess.run(asked, cwd=folder, env=variables(), capture_output=True, text=True, check=False, timeout=240)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_our_server_passes_every_check(folder: Path) -> None:
    code, document = conform(STARTED, folder)
    failed = {one["check"]: one["saw"] for one in document["checks"] if one["outcome"] == "failed"}
    assert failed == {}
    missing = {one["check"] for one in document["checks"] if one["outcome"] == "not run"}
    assert missing == {check.id for check in checks() if Need.MODELS in check.needs}
    assert code == 0
    assert (document["passed"], document["failed"]) == (len(document["checks"]) - len(missing), 0)


@pytest.mark.slow
def test_our_multi_model_server_passes_every_check(folder: Path) -> None:
    only = [word for check in checks() if Need.MODELS in check.needs for word in ("--only", check.id)]
    more = ("EachItsOwnAnswer", "WrongMethodRefused", "AcceptedRequestsAnswered", "KilledStartsAgain")
    paths = MANY.replace("=models/", f"={folder}/models/")
    code, document = conform(" ".join([paths, *only, *[f"--only {name}" for name in more]]), folder)
    assert {one["check"]: one["saw"] for one in document["checks"] if one["outcome"] != "passed"} == {}
    assert (code, document["passed"]) == (0, len(only) // 2 + len(more))


@pytest.mark.slow
def test_wrong_answer_is_found_in_a_table_that_says_how_to_mend_it(folder: Path) -> None:
    asked, _ = words(STARTED.replace("--expect answer.json", "--expect other-answer.json"))
    done = subprocess.run(
        [*asked, "--only", "OriginalsAnswer", "--only", "ExampleAnswered"],
        cwd=folder,
        env=variables(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "request.json is answered otherwise than expected: predictions[0]" in done.stdout
    assert "mend: compare what goes into the model" in done.stdout
    assert "1 passed, 1 failed, 0 not run" in done.stdout


@pytest.mark.slow
def test_model_is_judged_by_its_original(built_models: Path, tmp_path: Path) -> None:
    [archive] = built_models.glob(f"artifacts/digits/{Project(built_models).lock.models['digits'].digest}/model.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    started = f'--model digits --command "env SLIPWAY_MODEL_DIR={tmp_path} python -m serving serve"'
    checked = "--only OriginalsAnswer --only EachItsOwnAnswer"
    code, document = conform(f"conform http://127.0.0.1:8080 {started} {checked}", built_models)
    assert {one["check"]: one["saw"] for one in document["checks"]} == {
        "OriginalsAnswer": "8 answers are the original's",
        "EachItsOwnAnswer": "64 of 8 kinds at once",
    }
    assert (code, document["passed"]) == (0, 2)


@pytest.mark.slow
def test_running_server_is_asked_and_left_running(folder: Path) -> None:
    asked, url = words(RUNNING)
    environment = {**variables(), "SAGEMAKER_BIND_TO_PORT": url.rpartition(":")[2], "SLIPWAY_MODEL_DIR": "model"}
    server = subprocess.Popen([sys.executable, "-m", "serving"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(url, server)
        done = subprocess.run(
            [*asked, *["--only", "AnswerNamesItsType", "--only", "EndsInTime", "--format", "json"]],
            cwd=folder,
            capture_output=True,
            check=False,
        )
        document = json.loads(done.stdout)
        assert [one["outcome"] for one in document["checks"]] == ["passed", "not run"]
        assert "--command" in document["checks"][1]["saw"]
        assert (done.returncode, server.poll()) == (0, None)
    finally:
        server.kill()
        server.wait()


def wait_until_ready(url: str, starter: subprocess.Popen[Any]) -> None:
    """Wait for a server, as long as the process that is it or starts it has not ended."""

    def is_ready() -> bool:
        assert starter.poll() is None, starter.returncode
        try:
            return httpx.get(f"{url}/ping", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    eventually(is_ready, seconds=240)


@pytest.mark.slow
def test_interruption_is_4_and_leaves_no_process(folder: Path) -> None:
    asked, url = words(STARTED)
    process = subprocess.Popen(
        asked, cwd=folder, env=variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_until_ready(url, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=90)
    assert (process.returncode, said) == (4, "interrupted\n")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/ping", trust_env=False)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ("", 2, "give the URL of a server, or --endpoint NAME: one of them"),
        ("http://127.0.0.1:1 --endpoint x", 2, "give the URL of a server, or --endpoint NAME: one of them"),
        (
            *("ftp://127.0.0.1:1", 2),
            "'ftp://127.0.0.1:1' is no address of a server: accepted is http://HOST:PORT",
        ),
        ("http://127.0.0.1:1", 3, "nobody answers on 127.0.0.1:1: start the server, or give --command"),
        (
            *("http://127.0.0.1:1 --only PingInTimes", 2),
            "'PingInTimes' is no check, did you mean 'PingInTime'? (docs/reference/conform.md lists them)",
        ),
        ("http://127.0.0.1:1 --example none.json", 2, "none.json cannot be read: No such file or directory"),
        (
            *("http://127.0.0.1:1 --example request.json --expect answer.json --expect answer.json", 2),
            "1 --example and 2 --expect: give an answer for each example",
        ),
        (
            *("http://127.0.0.1:1 --command no-such-server", 3),
            "'no-such-server' cannot be started: No such file or directory",
        ),
        ("http://127.0.0.1:1 --command false", 3, "the server ended with 1 before it was ready: it wrote nothing"),
        ("http://127.0.0.1:1 --multi-model first", 2, "--multi-model is NAME=FOLDER, the folder as the server sees it"),
        ("http://127.0.0.1:1 --server tritn", 2, f"'tritn' is no server, did you mean 'triton'? (known: {SERVERS})"),
        ("--endpoint x --server lmi", 2, "--server says what a URL is: an endpoint's spec says it itself"),
        (
            *("--endpoint x --command y", 2),
            "--command, --failing-command and --multi-model are about a server: give its URL",
        ),
    ],
)
def test_refusal_is_one_line(options: str, code: int, said: str, folder: Path) -> None:
    done = subprocess.run(
        [SLIPWAY, "conform", *options.split()], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (code, f"{said}\n")


@pytest.mark.slow
def test_tensors_of_the_page_are_those_that_triton_is_asked_with() -> None:
    tensors, prompt, chat = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    held = contents(artifact("minilm-fp32").archive)
    assert held is not None
    assert Triton().request(held.served, tensors["inputs"][0]["data"]) == tensors
    assert prompt.keys() == Lmi(name="lmi").request(None, [PROMPT]).keys()
    assert "messages" in chat


def test_language_model_behind_an_endpoint_is_asked_to_go_on() -> None:
    project = Project(ROOT / "examples" / "language-models")
    spec = project.deployment("prod", with_artifacts=False).endpoints["gpt-j"]
    answers = answering(spec, variant="main")
    assert answers is not None
    assert (answers.model, example_of(project, answers)["inputs"]) == ("gpt-j-6b", PROMPT)


def test_page_names_what_there_is() -> None:
    names = {check.id for check in checks()}
    assert set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", PAGE)) <= names
    assert PIPELINE.endswith("--format json > conform.json")
    helped = subprocess.run([SLIPWAY, "conform", "--help"], capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r" --[a-z][a-z-]+|`--[a-z][a-z-]+", PAGE))
    assert {option[1:] for option in named} - set(re.findall(r"--[a-z-]+", helped)) == {"--rm"}
