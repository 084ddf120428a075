"""A user's handler.py in the archive, in the real server."""

from __future__ import annotations

import io
import json
import shutil
import signal
import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from serving.errors import HandlerError
from serving.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.serving.conftest import Server

CSV = {"Content-Type": "text/csv"}
ROWS = [[0.5, -1.0, 0.25, 0.0], [0.9, 0.1, -2.0, 0.3]]
TABLE = "\n".join(",".join(map(str, row)) for row in ROWS).encode()

HANDLER = """
import json

ACCEPTS = ("application/json", "text/csv")
names = {}


def load(model_dir):
    names.update(json.loads((model_dir / "names.json").read_text()))


def preprocess(request):
    if request.content_type == "application/json":
        return request.json()["inputs"]
    rows = [line.split(",") for line in request.body.decode().splitlines()]
    if any(len(row) != 4 for row in rows):
        request.refuse("a row has not four columns")
    return [[float(number) for number in row] for row in rows]


def postprocess(outputs):
    best = outputs.argmax(axis=1).tolist()
    return {"best": [names[str(place)] for place in best], "scores": outputs.max(axis=1)}
"""


@pytest.fixture
def handled(classifier: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a copy of the classifier that has a handler."""

    def make(source: str = HANDLER, file: str = "handler.py") -> Path:
        folder = tmp_path / "handled"
        shutil.copytree(classifier, folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"handler": file}))
        (folder / "names.json").write_text(json.dumps({"0": "rot", "1": "grün", "2": "blau"}))
        (folder / "handler.py").write_text(source)
        return folder

    return make


def test_handler_reads_requests_and_writes_answers(
    start: Callable[..., Any],
    handled: Callable[..., Path],
    classifier: Path,
    probabilities: Callable[..., np.ndarray],
) -> None:
    wanted = probabilities(classifier, ROWS)
    with start(handled()) as server:
        answer = server.ask(TABLE, headers=CSV)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.document["best"] == [("rot", "grün", "blau")[place] for place in wanted.argmax(axis=1)]
        np.testing.assert_allclose(answer.document["scores"], wanted.max(axis=1), atol=1e-6)
        assert server.ask({"inputs": ROWS}).document == answer.document
        lines = server.ask(TABLE, headers={**CSV, "Accept": "application/jsonlines"}).body.splitlines()
        assert [json.loads(line)["best"] for line in lines] == [[name] for name in answer.document["best"]]
        numbers = server.ask(TABLE, headers={**CSV, "Accept": "application/x-npy"})
        np.testing.assert_allclose(np.load(io.BytesIO(numbers.body)), wanted, atol=1e-6)
        assert server.ask(b"", headers={"Content-Type": "application/x-npy"}).status == 415


def test_handler_refuses_a_caller_who_is_wrong(start: Callable[..., Any], handled: Callable[..., Path]) -> None:
    with start(handled(), SLIPWAY_MAX_BATCH="2") as server:
        refused = server.ask(b"1,2,3", headers=CSV)
        assert (refused.status, refused.code, refused.message) == (400, "invalid_input", "a row has not four columns")
        assert server.ask(b"{").code == "malformed_json"
        assert server.ask({"inputs": [["a"]]}).code == "invalid_input"  # as without a handler
        assert server.ask({"inputs": ROWS * 2}).status == 413
        assert all("traceback" not in line for line in server.requests())


def failed(server: Server, body: Any, **headers: str) -> dict[str, Any]:
    answer = server.ask(body, headers={"X-Request-Id": "failed", **headers})
    assert (answer.status, answer.code) == (500, "handler_failed")
    assert answer.message == "the model's handler could not answer this request"
    line = server.line("failed")
    assert (line["level"], line["status"], line["code"]) == ("error", 500, "handler_failed")
    return line


def test_failure_of_the_handler_is_told_to_the_log_alone(
    start: Callable[..., Any], handled: Callable[..., Path]
) -> None:
    with start(handled()) as server:
        line = failed(server, b"1,2,secret,4", **CSV)
        assert line["handler"] == (
            "handler.py line 18, in <listcomp>: ValueError: could not convert string to float: 'secret'"
        )
        assert "handler.py" in line["traceback"]
        assert server.ask(TABLE, headers=CSV).status == 200
        assert server.ping() == 200


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def preprocess(request):\n    return request.body", "preprocess returned bytes, accepted: list, ndarray"),
        ("def preprocess(request):\n    raise SystemExit(3)", "handler.py line 2, in preprocess: SystemExit: 3"),
        ("def postprocess(outputs):\n    return {1, 2}", "what postprocess returned is no JSON"),
        ("def postprocess(outputs):\n    return outputs[7]", "handler.py line 2, in postprocess: IndexError"),
    ],
)
def test_each_way_to_fail_is_told(handled: Callable[..., Path], source: str, said: str) -> None:
    model = Model.load(handled(source), threads=1)
    with pytest.raises(HandlerError) as caught:
        model.predict(ROWS)
    assert said in caught.value.reason
    assert said not in caught.value.message


@pytest.mark.parametrize(
    ("source", "file", "code", "said"),
    [
        ("x = 1", "handler.py", 2, "neither a function 'preprocess' nor 'postprocess'"),
        ("postprocess = 1", "handler.py", 2, "'postprocess' of handler.py is no function"),
        (HANDLER, "missing.py", 2, "'missing.py' is not a file beside the manifest"),
        (HANDLER, "../handler.py", 2, "is not the name of a file beside the manifest"),
        (HANDLER, "names.json", 2, "is not the name of a Python file"),
        ("ACCEPTS = ('Text/CSV',)\ndef preprocess(request): ...", "handler.py", 2, "ACCEPTS"),
        ("ACCEPTS = 'text/csv'\ndef preprocess(request): ...", "handler.py", 2, "ACCEPTS of handler.py is not a tuple"),
        ("ACCEPTS = 5\ndef preprocess(request): ...", "handler.py", 2, "ACCEPTS of handler.py is not a tuple"),
        ("def preprocess(): ...", "handler.py", 1, "does not answer: handler.py: TypeError: preprocess() takes 0"),
        ("def preprocess(request) ...", "handler.py", 1, "handler.py line 1: "),
        ("import no_such_package", "handler.py", 1, "line 1, in <module>: ModuleNotFoundError"),
        ("def load(model_dir):\n    open(model_dir / 'lost')", "handler.py", 1, "line 2, in load: FileNotFoundError"),
        ("def postprocess(outputs):\n    return lost", "handler.py", 1, "line 2, in postprocess: NameError"),
    ],
)
def test_handler_that_cannot_work_ends_the_server_with_one_line(
    start: Callable[..., Any], handled: Callable[..., Path], source: str, file: str, code: int, said: str
) -> None:
    with start(handled(source, file), ready=False) as server:
        assert server.wait() == code
        [line] = server.errors.splitlines()
        assert said in line


def test_link_out_of_the_archive_is_not_run(
    start: Callable[..., Any], handled: Callable[..., Path], tmp_path: Path
) -> None:
    folder = handled()
    (tmp_path / "elsewhere.py").write_text(HANDLER)
    (folder / "handler.py").unlink()
    (folder / "handler.py").symlink_to(tmp_path / "elsewhere.py")
    with start(folder, ready=False) as server:
        assert server.wait() == 2
        assert "'handler.py' is not a file beside the manifest" in server.errors


def test_handlers_of_many_models_do_not_meet(start: Callable[..., Any], handled: Callable[..., Path]) -> None:
    first = handled("COUNT = [1]\n\ndef postprocess(outputs):\n    return COUNT")
    shutil.copytree(first, first.parent / "other")
    (first.parent / "other" / "handler.py").write_text("COUNT = [2]\n\ndef postprocess(outputs):\n    return COUNT")
    with start(first.parent, SAGEMAKER_MULTI_MODEL="true") as server:
        for name in ("handled", "other"):
            loaded = server.ask({"model_name": name, "url": str(first.parent / name)}, path="/models")
            assert loaded.status == 200
        found = [server.ask({"inputs": ROWS}, path=f"/models/{name}/invoke").document for name in ("handled", "other")]
    assert found == [[1], [2]]


def test_handler_fails_nobody_else_in_a_batch(start: Callable[..., Any], handled: Callable[..., Path]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with start(handled(), SLIPWAY_BATCH_SIZE="4", SLIPWAY_BATCH_DELAY_US="200000") as server:
        with ThreadPoolExecutor(4) as pool:
            bodies = [TABLE, b"1,2,x,4", TABLE, b"1"]
            answers = list(pool.map(lambda body: server.ask(body, headers=CSV), bodies))
        assert [answer.status for answer in answers] == [200, 500, 200, 400]
        assert answers[0].document == answers[2].document


FORKING = """
import multiprocessing, os, signal, time

def load(folder):
    global child
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()

def preprocess(request):
    if request.body == b"end it":
        os.kill(child.pid, signal.SIGTERM)
    if request.body == b"fork":  # in the middle of a request, whose connection it would keep
        os.fork() or (time.sleep(600), os._exit(0))
    return [[0.1, 0.2, 0.3, 0.4]]
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_process_that_a_handler_forks_has_no_part_in_the_server(
    start: Callable[..., Any], handled: Callable[..., Path], workers: str
) -> None:
    folder = handled(FORKING)
    with start(folder, SLIPWAY_WORKERS=workers) as server:
        assert server.ask(b"end it").status == 200
        with server.connect() as connection:
            connection.sendall(b"POST /invocations HTTP/1.1\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfork")
            answer = b""
            while piece := connection.recv(65536):  # up to its end, which another who has it would keep from us
                answer += piece
        assert answer.startswith(b"HTTP/1.1 200")
        assert server.ping() == 200  # that the child was stopped stopped nobody else
        assert not any(line["event"] == "draining" for line in server.log)
        children = psutil.Process(server.process.pid).children(recursive=True)
        server.send(signal.SIGTERM)
        assert server.wait() == 0
        left = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        try:
            assert left != []
            with pytest.raises(ConnectionRefusedError):
                server.connect()
            socket.create_server(("127.0.0.1", server.port)).close()
        finally:
            for child in left:
                child.kill()
