"""The function of a streaming front, behind a REST API of the local cloud: API Gateway, Node.js, SageMaker, a model."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from slipway import local_cloud
from tests.local_cloud.conftest import Aws, eventually
from tests.local_cloud.rest_api import rest_api
from tests.local_cloud.test_response_stream import LINES, QUICK, SLOW, hosted, images

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.local_cloud

ROOT = Path(__file__).parents[2]
FUNCTION = ROOT / "lambdas" / "stream" / "index.js"


class Front:
    """A REST API whose one method streams what a function streams."""

    def __init__(self, aws: Aws, code: str, *, seconds: int = 60, timeout: int = 62, **variables: str) -> None:
        given = {"SLIPWAY_ENDPOINT_NAME": "reader", "SLIPWAY_READ_TIMEOUT_SECONDS": str(seconds), **variables}
        url = rest_api(aws, "index.js", code, given, {"/read": "POST", "/read/{target}": "POST"}, timeout=timeout)
        self._aws, self._path = aws, f"{urlsplit(url).path}/read"
        self._open: list[http.client.HTTPConnection | http.client.HTTPResponse] = []

    def ask(self, body: bytes, *, under: str = "", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._aws.cloud.port, timeout=240)
        connection.request(
            "POST", self._path + under, body, {"Content-Type": "application/json", "Accept": LINES, **headers}
        )
        self._open.append(connection)
        answer = connection.getresponse()
        self._open.append(answer)
        return answer

    def hang_up(self) -> None:
        for opened in self._open:
            opened.close()
        self._open.clear()


@pytest.fixture(scope="module")
def _cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local_cloud.Cloud]:
    project = tmp_path_factory.mktemp("project")
    (project / "node_modules").symlink_to(ROOT / "node_modules")  # Lambda's runtime has the SDK
    started = local_cloud.start(project, leash=True)
    yield started
    local_cloud.stop(started)


@pytest.fixture(scope="module")
def aws(_cloud: local_cloud.Cloud) -> Aws:
    aws = Aws(_cloud)
    hosted(aws)
    return aws


@pytest.fixture(scope="module")
def front(aws: Aws) -> Iterator[Front]:
    made = Front(aws, FUNCTION.read_text(encoding="utf-8"))
    yield made
    made.hang_up()


def log(aws: Aws) -> str:
    return (aws.cloud.state_folder / "cloud.log").read_text(errors="replace")


def test_lines_arrive_over_time_through_gateway_and_function(front: Front) -> None:
    began = time.monotonic()
    answer = front.ask(images(QUICK, *[SLOW * 3] * 3), **{"X-Secret": "s"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, LINES)
    assert answer.headers["X-Invoked-Variant"] == "main"
    assert answer.headers["X-Request-Id"]
    lines, moments = [], []
    while line := answer.readline():
        lines.append(json.loads(line))
        moments.append(time.monotonic() - began)
    assert [line["label"] for line in lines] == ["7"] * 4
    assert moments[3] - moments[0] > 0.3, moments
    assert moments[2] - moments[1] > 0.05, moments


def test_whole_document_comes_through_as_well(front: Front) -> None:
    answer = front.ask(images(QUICK), Accept="application/json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert json.load(answer)["predictions"][0]["label"] == "7"


def test_models_refusal_keeps_its_status_and_words(front: Front) -> None:
    answer = front.ask(b"not json")
    assert (answer.status, json.load(answer)["error"]["code"]) == (400, "malformed_json")
    answer = front.ask(images(QUICK), Accept="text/html")
    assert (answer.status, json.load(answer)["error"]["code"]) == (406, "not_acceptable")


def test_stream_ends_in_an_error_and_incomplete_when_the_server_dies(front: Front, aws: Aws) -> None:
    answer = front.ask(images(QUICK, *[SLOW * 4] * 20))
    assert json.loads(answer.readline())["label"] == "7"
    died = aws.server("reader").pid or 0
    os.kill(died, signal.SIGKILL)
    with pytest.raises(http.client.IncompleteRead) as rest:
        answer.read()
    assert json.loads(rest.value.partial.splitlines()[-1])["error"]["code"] == "model_failed"
    eventually(lambda: aws.server("reader").ready and aws.server("reader").pid != died)


def test_front_is_unavailable_when_the_endpoint_is(aws: Aws) -> None:
    front = Front(aws, FUNCTION.read_text(encoding="utf-8"), SLIPWAY_ENDPOINT_NAME="gone")
    answer = front.ask(images(QUICK))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert json.load(answer)["error"]["code"] == "unavailable"
    front.hang_up()


def test_front_gives_up_when_the_model_takes_too_long(aws: Aws) -> None:
    front = Front(aws, FUNCTION.read_text(encoding="utf-8"), seconds=5)
    answer = front.ask(images(QUICK, *[SLOW * 8] * 60))
    with pytest.raises(http.client.IncompleteRead) as rest:
        answer.read()
    assert json.loads(rest.value.partial.splitlines()[-1])["error"]["code"] == "timeout"
    answer = front.ask(images(SLOW * 100), Accept="application/json")
    assert (answer.status, json.load(answer)["error"]["code"]) == (504, "timeout")
    front.hang_up()
    busy = aws.server("reader").pid or 0
    os.kill(busy, signal.SIGKILL)  # it has one thread, and would be at that for a while
    eventually(lambda: aws.server("reader").ready and aws.server("reader").pid != busy)


def test_log_line_tells_the_facts_and_never_the_payload(front: Front, aws: Aws) -> None:
    answer = front.ask(images(QUICK))
    answer.read()
    name = answer.headers["X-Request-Id"]

    def told() -> list[str]:
        whole = log(aws).rpartition("\n")[0]  # the last line may be half written
        return [line for line in whole.splitlines() if f'"request_id":"{name}"' in line]

    eventually(lambda: told() != [])
    [line] = map(json.loads, told())
    assert (line["level"], line["status"], line["parts"]) == ("INFO", 200, 1)
    assert "label" not in str(line)


def test_only_scripts_of_the_named_sites_may_read(aws: Aws) -> None:
    front = Front(aws, FUNCTION.read_text(encoding="utf-8"), SLIPWAY_ORIGINS="https://a.example https://b.example")
    for origin, reader in (("https://b.example", "https://b.example"), ("https://c.example", None)):
        answer = front.ask(images(QUICK), Origin=origin)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, reader)
        assert answer.headers["Vary"] == "Origin"
    front.hang_up()


def test_container_is_asked_by_the_paths_last_part(aws: Aws) -> None:
    front = Front(aws, FUNCTION.read_text(encoding="utf-8"), SLIPWAY_TARGET="container")
    answer = front.ask(images(QUICK), under="/no_name_")
    assert (answer.status, json.load(answer)["error"]["code"]) == (400, "invalid_target")
    # This endpoint has one container, so that naming one is refused: the name did arrive.
    assert front.ask(images(QUICK), under="/tokenise").status == 400
    front.hang_up()


@pytest.mark.parametrize(
    "code",
    [
        "exports.handler = awslambda.streamifyResponse(async () => { throw new Error('no') })",
        "exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('no metadata') })",
        "this is no JavaScript",
    ],
)
def test_gateway_answers_502_when_a_function_fails_before_its_answer(aws: Aws, code: str) -> None:
    front = Front(aws, code)
    answer = front.ask(b"{}")
    assert (answer.status, json.load(answer)) == (502, {"message": "Internal server error"})
    front.hang_up()


def test_function_is_ended_when_its_time_is_over(aws: Aws) -> None:
    endless = """exports.handler = awslambda.streamifyResponse(async (event, stream) => {
        stream = awslambda.HttpResponseStream.from(stream, {statusCode: 201, headers: {}});
        stream.write("first");
        await new Promise((resolve) => setTimeout(resolve, 60000));
    })"""
    front = Front(aws, endless, timeout=6)
    answer = front.ask(b"{}")
    assert answer.status == 201
    with pytest.raises(http.client.IncompleteRead) as rest:
        answer.read()
    assert rest.value.partial == b"first"
    front.hang_up()
