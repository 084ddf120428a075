"""The front's function against an HTTP server that speaks SageMaker's runtime protocol."""

from __future__ import annotations

import base64
import importlib.util
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

HANDLER = Path(__file__).parents[2] / "lambdas" / "invoke" / "handler.py"
REFUSED = '{"error":{"code":"invalid_input","message":"inputs: empty"},"request_id":"model-1"}'


class Answer(NamedTuple):
    """What the stand-in for SageMaker says next."""

    status: int = 200
    body: bytes = b'{"predictions":[]}'
    headers: dict[str, str] = {}  # noqa: RUF012  never mutated
    after_seconds: float = 0


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that hang up are part of these tests."""


class Runtime:
    """A server on loopback that records what it is asked and answers as told."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def error(self, status: int, kind: str, **body: object) -> None:
        content = json.dumps({"Message": "secret detail", **body}).encode()
        self.answer = Answer(status, content, {"x-amzn-ErrorType": kind, "Content-Type": "application/json"})

    def model_error(self, status: int, said: str) -> None:
        self.error(424, "ModelError", OriginalStatusCode=status, OriginalMessage=said, LogStreamArn="arn:secret")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                runtime.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
                answer = runtime.answer
                time.sleep(answer.after_seconds)
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    server = Runtime()
    yield server
    server.close()


@pytest.fixture
def read_seconds(request: pytest.FixtureRequest) -> str:
    """How long the function waits for an answer; a test of that asks for less."""
    return str(getattr(request, "param", 60))


@pytest.fixture
def handler(runtime: Runtime, read_seconds: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function's module, loaded as Lambda loads it: alone, with its variables set."""
    for name, value in {
        "AWS_ENDPOINT_URL": runtime.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "SLIPWAY_ENDPOINT_NAME": "digit-reader",
        "SLIPWAY_READ_TIMEOUT_SECONDS": read_seconds,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("SLIPWAY_ORIGINS", "SLIPWAY_TARGET"):
        monkeypatch.delenv(name, raising=False)
    spec = importlib.util.spec_from_file_location("invoke_handler", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Context:
    """What Lambda hands to a handler, as far as this one looks."""

    aws_request_id = "lambda-1"


@pytest.fixture
def call(handler: ModuleType) -> Callable[..., dict[str, Any]]:
    def call(body: bytes = b'{"inputs": [1]}', *, encoded: bool = True, **headers: str) -> dict[str, Any]:
        event = {
            "body": base64.b64encode(body).decode() if encoded else body.decode(),
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
            "isBase64Encoded": encoded,
            "requestContext": {"requestId": "gateway-1"},
        }
        answer: dict[str, Any] = handler.handle(event, Context())
        return answer

    return call


def error_of(answer: dict[str, Any]) -> tuple[int, str]:
    body = json.loads(answer["body"])
    assert body["request_id"] == "gateway-1"
    assert "secret" not in answer["body"]
    return answer["statusCode"], body["error"]["code"]


def test_request_passes_through_untouched(runtime: Runtime, call: Callable[..., dict[str, Any]]) -> None:
    call(b"\x93NUMPY\x00\xff", Content_Type="application/x-npy", ACCEPT="application/json")
    [(path, headers, body)] = runtime.asked
    assert path == "/endpoints/digit-reader/invocations"
    assert body == b"\x93NUMPY\x00\xff"
    assert headers["content-type"] == "application/x-npy"
    assert headers["accept"] == "application/json"
    assert headers["x-amzn-sagemaker-inference-id"] == "gateway-1"


def test_text_body_that_the_gateway_did_not_encode_passes_too(
    runtime: Runtime, call: Callable[..., dict[str, Any]]
) -> None:
    call('{"inputs": ["Straße"]}'.encode(), encoded=False)
    assert runtime.asked[0][2] == '{"inputs": ["Straße"]}'.encode()


def test_event_without_headers_or_body_is_answered(runtime: Runtime, handler: ModuleType) -> None:
    answer = handler.handle({"headers": None, "body": None}, Context())
    assert (answer["statusCode"], answer["headers"]["X-Request-Id"]) == (200, "lambda-1")
    assert runtime.asked[0][2] == b""


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("model", "x-amzn-sagemaker-target-model", "minilm_v1.2.tar.gz"),
        ("container", "x-amzn-sagemaker-target-container-hostname", "minilm_v1.2"),
        ("component", "x-amzn-sagemaker-inference-component", "digit-reader-minilm_v1.2"),
    ],
)
def test_path_names_what_is_asked_of_an_endpoint_that_hosts_several(
    runtime: Runtime, handler: ModuleType, monkeypatch: pytest.MonkeyPatch, kind: str, header: str, value: str
) -> None:
    monkeypatch.setenv("SLIPWAY_TARGET", kind)
    answer = handler.handle({"pathParameters": {"target": "minilm_v1.2"}}, Context())
    assert answer["statusCode"] == 200
    assert runtime.asked[0][1][header] == value


@pytest.mark.parametrize(
    "parameters", [None, {}, *({"target": name} for name in ("", "../a", "a/b", "-a", "a\n", "ä"))]
)
def test_path_that_names_nothing_is_refused(
    runtime: Runtime, handler: ModuleType, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str] | None
) -> None:
    monkeypatch.setenv("SLIPWAY_TARGET", "model")
    event = {"pathParameters": parameters, "requestContext": {"requestId": "gateway-1"}}
    assert error_of(handler.handle(event, Context())) == (400, "invalid_target")
    assert runtime.asked == []


def test_path_parameter_is_no_target_when_the_endpoint_hosts_one_model(runtime: Runtime, handler: ModuleType) -> None:
    handler.handle({"pathParameters": {"target": "minilm"}}, Context())
    assert not {name for name in runtime.asked[0][1] if "target" in name or "component" in name}


@pytest.mark.parametrize(
    ("allowed", "origin", "readable"),
    [
        ("https://a.example.com https://b.example.com", "https://b.example.com", "https://b.example.com"),
        ("https://a.example.com https://b.example.com", "https://evil.example.com", None),
        ("https://a.example.com", None, None),
        ("*", "https://anything.example.com", "*"),
    ],
)
def test_scripts_of_allowed_sites_may_read_answers_and_errors(
    runtime: Runtime,
    handler: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    allowed: str,
    origin: str | None,
    readable: str | None,
) -> None:
    monkeypatch.setenv("SLIPWAY_ORIGINS", allowed)
    event = {"headers": {} if origin is None else {"Origin": origin}}
    answered = handler.handle(event, Context())
    runtime.error(503, "ServiceUnavailable")
    for answer in (answered, handler.handle(event, Context())):
        assert answer["headers"].get("Access-Control-Allow-Origin") == readable
        assert answer["headers"]["Vary"] == "Origin"


def test_answer_says_nothing_of_origins_when_browsers_may_not_call(handler: ModuleType) -> None:
    answer = handler.handle({"headers": {"origin": "https://a.example.com"}}, Context())
    assert not {"Access-Control-Allow-Origin", "Vary"} & answer["headers"].keys()


def test_json_answer_is_text_and_names_the_variant(runtime: Runtime, call: Callable[..., dict[str, Any]]) -> None:
    runtime.answer = Answer(headers={"Content-Type": "application/json", "x-Amzn-Invoked-Production-Variant": "int8"})
    answer = call()
    assert answer["statusCode"] == 200
    assert (answer["isBase64Encoded"], answer["body"]) == (False, '{"predictions":[]}')
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["headers"]["X-Invoked-Variant"] == "int8"
    assert answer["headers"]["X-Request-Id"] == "gateway-1"


def test_binary_answer_comes_back_byte_for_byte(runtime: Runtime, call: Callable[..., dict[str, Any]]) -> None:
    runtime.answer = Answer(body=b"\x93NUMPY\xff\x00", headers={"Content-Type": "application/x-npy"})
    answer = call()
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == b"\x93NUMPY\xff\x00"


@pytest.mark.parametrize("status", [400, 406, 413, 415, 422])
def test_what_the_model_says_of_a_bad_request_reaches_the_caller(
    runtime: Runtime, call: Callable[..., dict[str, Any]], status: int
) -> None:
    runtime.model_error(status, REFUSED)
    answer = call()
    assert (answer["statusCode"], answer["body"]) == (status, REFUSED)
    assert answer["headers"]["X-Request-Id"] == "gateway-1"


def test_what_the_model_says_is_kept_back_when_it_is_not_json(
    runtime: Runtime, call: Callable[..., dict[str, Any]]
) -> None:
    runtime.model_error(400, "<html>secret")
    assert error_of(call()) == (400, "refused")


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        (500, (502, "model_failed")),
        (501, (502, "model_failed")),
        (404, (502, "model_failed")),
        (429, (429, "throttled")),
        (503, (503, "unavailable")),
        (504, (504, "timeout")),
        (0, (504, "timeout")),
    ],
)
def test_models_own_failure_says_nothing_of_its_insides(
    runtime: Runtime, call: Callable[..., dict[str, Any]], original: int, expected: tuple[int, str]
) -> None:
    runtime.model_error(original, '{"error": "secret traceback"}')
    assert error_of(call()) == expected


@pytest.mark.parametrize(
    ("status", "kind", "message", "expected"),
    [
        (400, "ThrottlingException", "secret rate", (429, "throttled")),
        (429, "SomethingNew", "secret", (429, "throttled")),
        (429, "ModelNotReadyException", "secret", (503, "unavailable")),
        (503, "ServiceUnavailable", "secret", (503, "unavailable")),
        (400, "ValidationError", "Endpoint secret of account 1 not found.", (503, "unavailable")),
        (400, "ValidationError", "Endpoint secret is not InService", (503, "unavailable")),
        (400, "ValidationError", "1 validation error: secret", (400, "invalid")),
        (400, "ValidationError", "Failed to download model data(bucket: secret)", (404, "unknown_target")),
        (400, "ValidationError", "Inference Component secret not found", (404, "unknown_target")),
        (400, "ValidationError", "Container secret of endpoint secret not found.", (404, "unknown_target")),
        (400, "ValidationError", "Endpoint my-container of account 1 not found.", (503, "unavailable")),
        (400, "ValidationError", "Inference Component has no capacity to process this", (503, "unavailable")),
        (403, "AccessDeniedException", "arn:secret is not authorized", (500, "internal")),
        (530, "InternalDependencyException", "secret", (502, "model_failed")),
        (500, "InternalFailure", "secret", (502, "model_failed")),
        (418, "Unheard", "secret", (500, "internal")),
    ],
)
def test_sagemakers_own_errors_get_the_status_that_they_deserve(
    runtime: Runtime,
    call: Callable[..., dict[str, Any]],
    status: int,
    kind: str,
    message: str,
    expected: tuple[int, str],
) -> None:
    runtime.error(status, kind, Message=message)
    answer = call()
    assert error_of(answer) == expected
    assert ("Retry-After" in answer["headers"]) is (expected[0] in {429, 503})


def test_request_is_tried_once(runtime: Runtime, call: Callable[..., dict[str, Any]]) -> None:
    runtime.error(503, "ServiceUnavailable")
    call()
    assert len(runtime.asked) == 1


@pytest.mark.parametrize("read_seconds", [1], indirect=True)
def test_slow_model_is_a_time_out_told_in_time(runtime: Runtime, call: Callable[..., dict[str, Any]]) -> None:
    runtime.answer = Answer(after_seconds=30)
    started = time.monotonic()
    assert error_of(call()) == (504, "timeout")
    assert time.monotonic() - started < 25
    assert len(runtime.asked) == 1


def test_answer_that_breaks_off_is_the_models_failure(runtime: Runtime, call: Callable[..., dict[str, Any]]) -> None:
    runtime.answer = Answer(headers={"Content-Length": "1000"})
    assert error_of(call()) == (502, "model_failed")


def test_service_that_cannot_be_reached_is_unavailable(
    runtime: Runtime, call: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert error_of(call()) == (503, "unavailable")
    assert runtime.asked == []


def test_mistake_of_our_own_is_an_internal_error(
    call: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLIPWAY_ENDPOINT_NAME")
    assert error_of(call()) == (500, "internal")


def test_log_is_one_line_of_json_without_what_was_said(
    runtime: Runtime, call: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    runtime.answer = Answer(body=b'{"answer":"private"}', headers={"x-Amzn-Invoked-Production-Variant": "int8"})
    call(b'{"inputs": ["private"]}')
    runtime.model_error(500, '{"error": "private"}')
    call(b'{"inputs": ["private"]}')
    written = capsys.readouterr().out
    assert "private" not in written
    done, failed = (json.loads(line) for line in written.splitlines())
    assert (done["level"], done["status"], done["variant"], done["request_id"]) == ("INFO", 200, "int8", "gateway-1")
    assert (failed["level"], failed["error_code"], failed["original_status"]) == ("WARNING", "ModelError", 500)
    assert done["milliseconds"] >= 0
