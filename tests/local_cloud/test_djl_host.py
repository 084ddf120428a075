"""The clean-room host by itself: its protocol, with handlers that need no model."""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.servers.hosted import READY_SECONDS, Hosted, hosted, start, wait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABEL = "clean-room host, not DJL Serving"
# Says who it is, what it was given, how it was asked, and does what it is told.
HANDLER = """
import os, time
from djl_python import Input, Output

rank, calls = int(os.environ["OMPI_COMM_WORLD_RANK"]), []
here = os.path.dirname(os.path.abspath(__file__))

def wait(gate):
    while os.path.exists(os.path.join(here, gate)):
        time.sleep(0.01)

def words(count):
    for number in range(count):
        yield {"word": number}
        wait("stream")

def handle(inputs: Input):
    calls.append(inputs.is_empty())
    if inputs.is_empty():
        wait("load")
        return None
    wait("answer")
    if inputs.get_property("content-type") != "application/json":
        return Output().add(inputs.get_as_bytes()[::-1]).add_property("Content-Type", "application/octet-stream")
    asked = inputs.get_as_json()
    if "sleep" in asked:
        time.sleep(asked["sleep"])
    if "raise" in asked:
        raise ValueError(asked["raise"])
    if "stream" in asked:
        lines = words(asked["stream"])
        return Output().add_stream_content(lines, output_formatter=lambda it: repr(it).encode() + b"\\n") \\
            .add_property("Content-Type", "application/jsonlines")
    return Output().add_as_json({"rank": rank, "calls": calls, "properties": inputs.get_properties()})
"""
PROPERTIES = """# a comment
engine = MPI
option.entryPoint=model.py
option.tensor_parallel_degree: 2
option.predict_timeout=120
option.of_my_own=from the file
retry_threshold=2
"""


def folder_of(path: Path, properties: str, handler: str = HANDLER) -> Path:
    path.mkdir()
    (path / "serving.properties").write_text(properties)
    (path / "model.py").write_text(handler)
    return path


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Hosted]:
    variables = {"OPTION_OF_MY_OWN": "from the environment", "OPTION_ANOTHER": "x", "SERVING_LOAD": "no option"}
    with hosted(folder_of(tmp_path / "model", PROPERTIES), tmp_path / "log", variables) as one:
        yield one


def test_rank_0_answers_with_the_properties_of_file_and_environment(host: Hosted) -> None:
    said = host.ask({})
    assert (said["rank"], said["calls"]) == (0, [True, False])
    assert said["properties"]["of_my_own"] == "from the file"  # it wins over the environment
    assert (said["properties"]["another"], said["properties"]["tensor_parallel_degree"]) == ("x", "2")
    assert said["properties"]["model_dir"].endswith("/model")
    assert host.ask({}, "/predictions/model")["calls"] == [True, False, False]
    assert host.ask({}, "/predictions/model/1")["rank"] == 0


def test_it_says_everywhere_what_it_is(host: Hosted) -> None:
    ping = host.client.get("/ping")
    assert ping.json() == {"health": "healthy!", "host": LABEL}
    assert (
        ping.headers["x-slipway-host"] == host.client.post("/invocations", json={}).headers["x-slipway-host"] == LABEL
    )
    assert host.log.startswith(f"INFO {LABEL}")


def test_bytes_come_and_go_as_they_are(host: Hosted) -> None:
    body = bytes(range(256)) * 40_000
    reply = host.client.post("/invocations", content=body, headers={"content-type": "application/octet-stream"})
    assert reply.content == body[::-1]
    assert reply.headers["content-type"] == "application/octet-stream"


def test_a_stream_comes_piece_by_piece(host: Hosted) -> None:
    gate = gate_of(host, "stream")
    with host.client.stream("POST", "/invocations", json={"stream": 30}) as reply:
        lines = reply.iter_lines()
        first = next(lines)  # while the handler waits before the second
        gate.unlink()
        rest = list(lines)
    assert (json.loads(first.replace("'", '"')), len(rest)) == ({"word": 0}, 29)


def test_a_caller_that_goes_away_leaves_the_ranks_in_step(host: Hosted) -> None:
    gate = gate_of(host, "stream")
    with host.client.stream("POST", "/invocations", json={"stream": 20}) as reply:
        next(reply.iter_lines())
    gate.unlink()
    assert host.ask({})["calls"] == [True, False, False]


def test_what_a_handler_raises_is_told(host: Hosted) -> None:
    said = host.ask({"raise": "no such thing"}, status=424)
    assert said == {"code": 424, "message": "invoke handler failure", "error": "ValueError: no such thing"}
    assert host.ask({})["rank"] == 0


def test_requests_take_turns(host: Hosted) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as callers:
        said = list(callers.map(lambda _: host.ask({"sleep": 0.02}), range(8)))
    assert sorted(len(one["calls"]) for one in said) == list(range(2, 10))


def test_ranks_are_started_anew_when_a_request_takes_too_long(tmp_path: Path) -> None:
    impatient = PROPERTIES.replace("predict_timeout=120", "predict_timeout=2")
    with hosted(folder_of(tmp_path / "model", impatient), tmp_path / "log") as host:
        reply = host.client.post("/invocations", json={"sleep": 600})
        assert (reply.status_code, reply.json()["message"]) == (500, "predict_timeout is over")
        wait(host)
        assert "no answer in 2 seconds: the ranks are started anew" in host.log
        # The next answer may take as long, on a machine that is busy; the ranks are others all the same.
        assert len(re.findall(r"processes \[", host.log)) == 2


def test_ranks_are_started_anew_when_one_dies_and_given_up_after_so_many_times(host: Hosted) -> None:
    for victim in (1, 0):
        gate = gate_of(host, "load")
        os.kill(pids(host)[victim], signal.SIGKILL)
        assert until(host, 503)["reason"] == "the model is loading"
        gate.unlink()
        until(host, 200)
        assert host.ask({})["calls"] == [True, False]
    os.kill(pids(host)[0], signal.SIGKILL)
    assert until(host, 500)["reason"] == "the ranks died 3 times"
    assert host.client.post("/invocations", json={}).status_code == 503


def gate_of(host: Hosted, name: str) -> Path:
    """Let the handler wait from now on where it has a gate of that name, until the file is gone."""
    file = host.log_file.parent / "model" / name
    file.touch()
    return file


def until(host: Hosted, status: int) -> dict[str, str]:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        reply = host.client.get("/ping")
        if reply.status_code == status:
            found: dict[str, str] = reply.json()
            return found
    raise AssertionError(host.log)


def pids(host: Hosted) -> list[int]:
    return [int(pid) for pid in re.findall(r"processes \[(\d+), (\d+)\]", host.log)[-1]]


def test_ranks_end_with_their_host(host: Hosted) -> None:
    ranks = pids(host)
    host.process.kill()
    host.process.wait(60)
    end = time.monotonic() + 60
    while any(alive(pid) for pid in ranks) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in ranks)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_full_queue_turns_callers_away(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", PROPERTIES + "job_queue_size=2\n")
    with hosted(folder, tmp_path / "log") as one, concurrent.futures.ThreadPoolExecutor(6) as callers:
        gate = gate_of(one, "answer")
        asked = [callers.submit(one.client.post, "/invocations", json={}) for _ in range(6)]
        turned_away = [reply.result().status_code for reply in islice(concurrent.futures.as_completed(asked), 4)]
        gate.unlink()
        statuses = [reply.result().status_code for reply in asked]
    assert turned_away == [503] * 4
    assert (statuses.count(200), statuses.count(503)) == (2, 4)


def test_ping_is_not_well_before_the_model_is_loaded(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", "engine=Python\n")
    (folder / "load").touch()
    process, port = start(folder, tmp_path / "log", {})
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        seen = []
        while process.poll() is None and 200 not in seen:
            try:
                seen.append(client.get("/ping").status_code)
                (folder / "load").unlink(missing_ok=True)
            except httpx.TransportError:
                time.sleep(0.05)
    process.terminate()
    process.wait(60)
    assert (seen[0], seen[-1]) == (503, 200)


@pytest.mark.parametrize(
    ("properties", "handler", "words"),
    [
        ("engine=MPI\n", "raise RuntimeError('no GPU')", "the model was not loaded: RuntimeError: no GPU"),
        ("option.model_loading_timeout=1\n", "import time\ntime.sleep(60)", "model_loading_timeout is over"),
        ("batch_size=4\n", HANDLER, "batch_size: '4' is not modelled here, 1 is"),
        ("engine=PyTorch\n", HANDLER, "engine: 'PyTorch' is not modelled here: DeepSpeed, MPI, Python are"),
        ("translatorFactory=a.b.C\n", HANDLER, "translatorFactory: is not modelled here"),
        ("option.entryPoint=other.py\n", HANDLER, "option.entryPoint: 'other.py' is not in the archive"),
        ("option.tensor_parallel_degree=max\n", HANDLER, "'max' is not a number: there is no GPU to count here"),
        ("option.model_id=org/name\n", HANDLER, "option.model_id: 'org/name' is no folder of the container"),
        ("option.predict_timeout=soon\n", HANDLER, "predict_timeout: 'soon' is not a number"),
        ("gibberish\n", HANDLER, "serving.properties: 'gibberish' is no key with a value"),
        (
            "option.entryPoint=djl_python.lmi_vllm.vllm_async_service\noption.enable_lora=true\noption.swap_space=4\n",
            HANDLER,
            "option.enable_lora: is not modelled here: it would change answers",
        ),
        (
            "option.entryPoint=djl_python.huggingface\noption.quantize=awq\n",
            HANDLER,
            "option.quantize: 'awq' is not modelled",
        ),
    ],
)
def test_what_it_cannot_do_is_said_and_not_done(tmp_path: Path, properties: str, handler: str, words: str) -> None:
    process, _ = start(folder_of(tmp_path / "model", properties, handler), tmp_path / "log", {})
    assert process.wait(READY_SECONDS) == 1
    assert words in (tmp_path / "log").read_text()


def test_torch_is_no_part_of_the_host() -> None:
    probe = "import sys, slipway.local_cloud.hosts.djl.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_json_lines_of_a_handler_are_its_own(host: Hosted) -> None:
    kind, lines = host.stream({"stream": 2})
    assert kind == "application/jsonlines"
    assert [json.loads(line.replace("'", '"')) for line in lines] == [{"word": 0}, {"word": 1}]
