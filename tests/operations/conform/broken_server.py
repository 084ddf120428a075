"""A small server that keeps SageMaker's contract, but for the one flaw that its first argument names.

It doubles numbers: ``{"inputs": [[1, 2]]}`` gives ``{"predictions": [[2, 4]]}``, after ``{"seconds": s}`` if given.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FLAW = sys.argv[1] if len(sys.argv) > 1 else ""
BEGAN = time.monotonic()
PORT = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
MOST_BYTES = 10_000_000
ONE = threading.Lock()  # the model answers one request at a time
WRITING = threading.Lock()
READING = threading.Lock()
LAST: dict[str, Any] = {}
MODELS: dict[str, str] = {}
STATE = {"draining": False, "in flight": 0}
# So long that callers at once meet each other on any machine; and none, where answers have to be many.
SECONDS = {"ManyAtOnceAnswered": 0.1, "EachItsOwnAnswer": 0.1, "UnreadAnswersHoldNobodyUp": 0}


class Refusal(Exception):  # noqa: N818  a sentence of HTTP
    def __init__(self, status: int, why: str = "") -> None:
        super().__init__(why)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0" if FLAW == "ConnectionKept" else "HTTP/1.1"
    timeout = 20

    def setup(self) -> None:
        if FLAW == "UnreadAnswersHoldNobodyUp":
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        super().setup()

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/ping":
            self.ping()
        elif path in {"/invocations", "/models/first/invoke"} and FLAW != "WrongMethodRefused":
            self.say(405, b"")
        elif path == "/models" and "--multi-model" in sys.argv:
            rows = [{"modelName": name, "modelUrl": url} for name, url in MODELS.items()]
            self.say(200, json.dumps({"models": rows[:1] if FLAW == "ModelsListed" else rows}).encode())
        elif path.startswith("/models/") and path[8:] in MODELS:
            self.say(200, json.dumps({"modelName": path[8:], "modelUrl": MODELS[path[8:]]}).encode())
        else:
            self.say(200 if FLAW in {"UnknownRouteRefused", "WrongMethodRefused"} else 404, b"")

    def do_DELETE(self) -> None:
        name = self.path.removeprefix("/models/")
        if name in MODELS and FLAW != "UnloadedForgotten":
            del MODELS[name]
            self.say(200, b"{}")
        else:
            self.say(200 if name in MODELS or FLAW == "UnloadedModelNotFound" else 404, b"{}")

    def do_POST(self) -> None:
        STATE["in flight"] += 1
        try:
            if self.path == "/models":
                self.load()
            else:
                self.invoke()
        except Refusal as refusal:
            self.close_connection = True
            self.say(refusal.status, json.dumps({"error": str(refusal)}).encode())
        except (ConnectionError, TimeoutError):
            self.close_connection = True
            if FLAW == "GoneCallersHarmNobody":
                os._exit(9)
        finally:
            STATE["in flight"] -= 1

    def ping(self) -> None:
        if FLAW == "PingInTime" and STATE["in flight"]:
            time.sleep(2.5)
        early = FLAW == "PingWhenReady" or time.monotonic() - BEGAN > START_SECONDS
        failing = "--failing" in sys.argv and FLAW != "PingNeverAfterFailedLoad"
        self.say(200 if early and not failing and not STATE["draining"] else 503, b"")

    def load(self) -> None:
        wanted = json.loads(self.body())
        name, url = wanted["model_name"], wanted["url"]
        if name in MODELS and FLAW != "LoadedOnce":
            raise Refusal(409)
        if not Path(url).is_dir() and FLAW != "BadModelNotLoaded":
            raise Refusal(400)
        MODELS[name] = url
        self.say(200, b"{}")

    def invoke(self) -> None:
        if "--multi-model" in sys.argv:
            if self.path.removeprefix("/models/").removesuffix("/invoke") not in MODELS:
                raise Refusal(200 if FLAW == "UnloadedModelNotFound" else 404)
        elif self.path != "/invocations":
            raise Refusal(404)
        if time.monotonic() - BEGAN < START_SECONDS or (STATE["draining"] and FLAW != "NothingNewTaken"):
            raise Refusal(503)
        self.negotiate()
        request = self.read()
        wait = float(request.get("seconds", SECONDS.get(FLAW, 0.002)))
        if FLAW == "ExampleAnswered" or (FLAW == "ManyAtOnceAnswered" and STATE["in flight"] > 4):
            raise Refusal(500)
        LAST.update(request)
        with ONE:
            if FLAW != "GoneCallersWorkEnds" and self.gone():
                return
            time.sleep(wait)
        self.tell(dict(LAST) if FLAW == "EachItsOwnAnswer" else request)

    def tell(self, request: dict[str, Any]) -> None:
        document = {"predictions": [[2 * number for number in row] for row in request["inputs"]]}
        if FLAW == "OriginalsAnswer":
            document["predictions"][0][0] += 1
        if FLAW == "KilledStartsAgain":
            MARK.write_text("half written")
        if self.headers.get("accept") == "application/jsonlines":
            self.stream(document)
        else:
            self.say(200, json.dumps(document).encode())

    def negotiate(self) -> None:
        kind = self.headers.get("content-type", "application/json")
        media, _, parameters = kind.partition(";")
        if media != "application/json" or (FLAW == "CharsetTaken" and parameters):
            raise Refusal(500 if FLAW == "ContentTypeUnknown" else 415)
        if self.headers.get("accept", "application/json") not in {"application/json", "application/jsonlines", "*/*"}:
            raise Refusal(500 if FLAW == "AcceptUnknown" else 406)
        if FLAW == "CustomAttributesTaken" and self.headers.get("x-amzn-sagemaker-custom-attributes"):
            raise Refusal(400)

    def read(self) -> dict[str, Any]:
        if FLAW == "SlowCallersHoldNobodyUp":
            with READING:
                body = self.body()
        else:
            body = self.body()
        try:
            request = json.loads(body)
            assert all(isinstance(row, list) for row in request["inputs"])
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise Refusal(500 if FLAW == "MalformedBodyRefused" else 400, "not understood") from error
        return dict(request)

    def body(self) -> bytes:
        if self.headers.get("transfer-encoding") == "chunked":
            return self.chunks() if FLAW != "ChunkedBodyAnswered" else b""
        length = int(self.headers.get("content-length", 0))
        if length > MOST_BYTES:
            if FLAW == "TwentyFiveMebibytes":
                os._exit(9)
            raise Refusal(413)
        if length > 1_000_000 and FLAW == "SixMebibytes":
            raise Refusal(500)
        if FLAW == "DribbledBodyAnswered":
            return self.connection.recv(length) if not self.rfile.peek(1) else self.rfile.read1(length)  # type: ignore[attr-defined]
        data = self.rfile.read(length)
        if len(data) < length:
            raise ConnectionResetError
        return data

    def chunks(self) -> bytes:
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def gone(self) -> bool:
        try:
            readable = select.select([self.connection], [], [], 0)[0]
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def stream(self, document: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/jsonlines")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        lines = [json.dumps(row).encode() + b"\n" for row in document["predictions"] * 3]
        for line in [b"".join(lines)] if FLAW == "StreamComesInParts" else lines:
            try:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                time.sleep(0.05)
            except OSError:
                if FLAW == "GoneReadersHarmNobody":
                    os._exit(9)
                raise
        self.wfile.write(b"0\r\n\r\n")

    def say(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        if FLAW != "AnswerNamesItsType":
            self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if self.close_connection or FLAW == "ConnectionKept":
            self.send_header("connection", "close")
        if FLAW == "UnreadAnswersHoldNobodyUp":
            with WRITING:
                self.end_headers()
                self.wfile.write(body)
        else:
            self.end_headers()
            self.wfile.write(body)

    def send_error(self, code: int, *_: object, **__: object) -> None:
        if FLAW == "NoiseRefused":
            time.sleep(15)
        self.close_connection = True
        self.request_version = "HTTP/1.1"
        self.say(500 if code >= 500 else 400, b"")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1 if FLAW == "ConnectionsAccepted" else 128

    def get_request(self) -> Any:
        if FLAW == "ConnectionsAccepted":
            time.sleep(0.1)
        return super().get_request()

    def handle_error(self, *_: object) -> None:
        pass


START_SECONDS = 0.4
MARK = Path(os.environ.get("BROKEN_SERVER_FOLDER", "/nonexistent")) / "mark"


def main() -> None:
    if "--failing" in sys.argv and FLAW != "PingNeverAfterFailedLoad":
        sys.exit("the model cannot be loaded")
    if MARK.exists() and FLAW in {"StartsAgain", "KilledStartsAgain"}:
        sys.exit("a mark was left behind")
    server = Server(("127.0.0.1", PORT), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    if FLAW == "EndsInTime":
        time.sleep(60)
    if FLAW == "StartsAgain":
        MARK.write_text("left behind")
    if FLAW == "AcceptedRequestsAnswered":
        os._exit(0)
    if FLAW == "NothingNewTaken":
        time.sleep(3)
    STATE["draining"] = True
    end = time.monotonic() + 2
    while STATE["in flight"] and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    os._exit(0)


main()
