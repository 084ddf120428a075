from __future__ import annotations

import json
import shutil
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.serving.conftest import Gated, Server


@pytest.fixture
def slow_to_load(classifier: Path, lasting: Callable[[float], dict[str, Any]], tmp_path: Path) -> Callable[..., Path]:
    """Return a copy of the classifier whose example takes a while; it is answered twice, once a session."""

    def copy(seconds: float) -> Path:
        folder = tmp_path / "slow"
        shutil.copytree(classifier, folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"example": lasting(seconds)}))
        return folder

    return copy


def test_ping_answers_503_while_loading_and_then_200(start: Callable[..., Any], gated: Gated) -> None:
    gated.close_loading()
    with start(gated.folder, ready=False) as server:
        server.wait_for_status(503)
        answer = server.ask({"inputs": [[1, 2, 3, 4]]})
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "loading", "1")
        gated.open_loading()
        server.wait_for_status(200)
        assert server.ask({"inputs": [[1, 2, 3, 4]]}).status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_process_at_once_while_loading(
    start: Callable[..., Any], slow_to_load: Callable[..., Path], number: int
) -> None:
    with start(slow_to_load(60), ready=False) as server:
        server.wait_for_status(503)
        began = time.monotonic()
        server.send(number)
        assert server.wait() == 0
        assert time.monotonic() - began < 40


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_an_idle_server_with_0(start: Callable[..., Any], classifier: Path, number: int) -> None:
    with start(classifier) as server:
        server.send(number)
        assert server.wait() == 0
        assert [line["event"] for line in server.log[-2:]] == ["draining", "stopped"]
        assert server.errors == ""


def fails(server: Server, code: int, *words: str) -> None:
    assert server.wait() == code
    assert len(server.errors.splitlines()) == 1
    assert "Traceback" not in server.errors
    for word in words:
        assert word in server.errors


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLIPWAY_THREADS", "0"),
        ("SLIPWAY_THREADS", "two"),
        ("SLIPWAY_THREADS", "1.5"),
        ("SLIPWAY_QUEUE_LIMIT", "-1"),
        ("SLIPWAY_MAX_BODY_BYTES", "6MiB"),
        ("SLIPWAY_MAX_BATCH", "²"),
        ("SLIPWAY_DRAIN_SECONDS", "inf"),
        ("SLIPWAY_LOG_LEVEL", "loud"),
        ("SLIPWAY_EMF", "1"),
        ("SLIPWAY_EMF_SECONDS", "0"),
        ("SLIPWAY_EMF_NAMESPACE", "AWS/SageMaker"),
        ("SLIPWAY_EMF_DIMENSIONS", "Model"),
        ("SLIPWAY_EMF_DIMENSIONS", "A=1,A=2"),
        ("SLIPWAY_EMF_DIMENSIONS", "Latency=1"),
        ("SLIPWAY_EMF_DIMENSIONS", "A=1,:B=2"),
        ("SAGEMAKER_BIND_TO_PORT", "65536"),
        ("SAGEMAKER_BIND_TO_PORT", "9" * 5000),
    ],
)
def test_bad_setting_ends_with_2_and_one_line(
    start: Callable[..., Any], classifier: Path, name: str, value: str
) -> None:
    with start(classifier, ready=False, **{name: value}) as server:
        fails(server, 2, name, value[:5], "accepted")


@pytest.mark.parametrize("content", [None, "{", '{"schema_version": 2}'])
def test_broken_manifest_ends_with_2_and_one_line(
    start: Callable[..., Any], tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with start(tmp_path, ready=False) as server:
        fails(server, 2, "manifest.json")


def test_manifest_that_does_not_fit_the_model_ends_with_2(
    start: Callable[..., Any], make_encoder: Callable[..., Path]
) -> None:
    folder = make_encoder()
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace("attention_mask", "token_type_ids").replace('"mean"', '"cls"'))
    with start(folder, ready=False) as server:
        fails(server, 2, "token_type_ids", "not in the model")


def test_model_that_cannot_load_ends_with_1(start: Callable[..., Any], make_encoder: Callable[..., Path]) -> None:
    folder = make_encoder()
    (folder / "model.onnx").write_bytes(b"rubbish")
    with start(folder, ready=False) as server:
        fails(server, 1, "model.onnx")
        assert server.log[-1]["event"] == "failed"


def test_model_that_does_not_answer_its_example_ends_with_1(
    start: Callable[..., Any], fragile: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(fragile, folder)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace("[1.0,", "[-1.0,"))
    with start(folder, ready=False) as server:
        fails(server, 1, "not finite")


def test_taken_port_ends_with_3_and_one_line(start: Callable[..., Any], classifier: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with start(classifier, ready=False, SAGEMAKER_BIND_TO_PORT=port) as server:
            fails(server, 3, f"127.0.0.1:{port}", "Address already in use")


def test_server_listens_where_it_is_told_alone(start: Callable[..., Any], classifier: Path) -> None:
    with start(classifier) as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port)).close()


def test_log_level_silences_requests(start: Callable[..., Any], classifier: Path) -> None:
    with start(classifier, SLIPWAY_LOG_LEVEL="warning") as server:
        assert server.ask({"inputs": [[1, 2, 3, 4]]}).status == 200
        assert server.log == []
