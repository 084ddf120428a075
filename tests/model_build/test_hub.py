"""A model of the hub at a commit, fetched from a loopback server that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.model_build.conftest import write_embedder
from tests.model_build.test_sources import TEXT, save_bert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
READ = """
import sys
from pathlib import Path
from model_build.sources import Origin, read
from slipway.specs import Project, SlipwayError
root = Path(sys.argv[1])
spec = Project(root).models["tiny"]
origin = Origin(root=root, folder=root / "models/tiny", source=spec.source, spec=spec, scratch=root / "scratch")
try:
    print(read(origin).reference(["the red boat"]).shape)
except SlipwayError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


class Hub(BaseHTTPRequestHandler):
    """What huggingface_hub asks for: the list of a commit's files, each file's hash and size, its bytes."""

    folder: Path
    cut = 0
    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, *, body: bool) -> None:
        self.asked.append(self.path)
        path = self.path.split("?")[0]
        if path.startswith("/api/models/org/tiny/tree/"):
            files = [file for file in self.folder.iterdir() if file.is_file()]
            known = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40} for file in files
            ]
            self._send(200, json.dumps(known).encode(), body=body)
        elif path == f"/api/models/org/tiny/revision/{COMMIT}":
            names = [{"rfilename": file.name} for file in self.folder.iterdir()]
            self._send(200, json.dumps({"id": "org/tiny", "sha": COMMIT, "siblings": names}).encode(), body=body)
        elif path.startswith(f"/org/tiny/resolve/{COMMIT}/"):
            self._send(200, (self.folder / path.rsplit("/", 1)[-1]).read_bytes(), body=body, cut=self.cut)
        else:
            code = "RevisionNotFound" if path.startswith(("/api/models/org/tiny/", "/org/tiny/")) else "RepoNotFound"
            self._send(404, b"{}", body=body, code=code)

    def _send(self, status: int, content: bytes, *, body: bool, cut: int = 0, code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if body:
            self.wfile.write(content[: len(content) - cut])


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[type[Hub], str]]:
    folder = tmp_path / "hub"
    write_embedder(tmp_path)
    save_bert(folder)
    (folder / "tokenizer.json").write_bytes((tmp_path / "models/tiny/tokenizer.json").read_bytes())
    (folder / "harm.py").write_text("raise SystemExit('code of a stranger')")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    handler = type("OneHub", (Hub,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetched(root: Path, endpoint: str, source: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (root / "models/tiny/model.yaml").write_text(TEXT.format(source=f"huggingface: {source}, pooling: mean"))
    home = {"HF_HOME": str(root / "home"), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "*"}
    command = [sys.executable, "-c", READ, str(root)]
    environment = {**os.environ, **home, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


def test_model_of_the_hub_is_fetched_once_without_code_and_pickles(hub: tuple[type[Hub], str], tmp_path: Path) -> None:
    handler, endpoint = hub
    done = fetched(tmp_path, endpoint, f"org/tiny@{COMMIT}")
    assert (done.returncode, done.stdout) == (0, "(1, 16)\n"), done.stderr
    names = {path.rsplit("/", 1)[-1] for path in handler.asked if "/resolve/" in path}
    assert names == {"config.json", "model.safetensors", "tokenizer.json"}
    offline = fetched(tmp_path, endpoint, f"org/tiny@{COMMIT}", HF_HUB_OFFLINE="1")
    assert (offline.returncode, offline.stdout) == (0, "(1, 16)\n"), offline.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (f"org/tiny@{'f' * 40}", f"source.huggingface: 'org/tiny' has no commit {'f' * 40}: look it up"),
        (f"org/other@{COMMIT}", "source.huggingface: the hub has no 'org/other', or HF_TOKEN may not read it"),
    ],
)
def test_what_the_hub_does_not_have_is_refused(
    hub: tuple[type[Hub], str], tmp_path: Path, name: str, said: str
) -> None:
    done = fetched(tmp_path, hub[1], name)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2] == "SpecError: models/tiny/model.yaml: 1 problem"
    assert said in done.stderr


def test_hub_that_cannot_be_reached_is_the_machines_trouble(hub: tuple[type[Hub], str], tmp_path: Path) -> None:
    done = fetched(tmp_path, hub[1], f"org/tiny@{COMMIT}", HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert f"HostError: org/tiny@{COMMIT} is not here and the hub cannot be reached: " in done.stderr.splitlines()[-1]


def test_download_that_ends_early_is_refused_and_begun_again(hub: tuple[type[Hub], str], tmp_path: Path) -> None:
    handler, endpoint = hub
    handler.cut = 10
    done = fetched(tmp_path, endpoint, f"org/tiny@{COMMIT}")
    assert done.returncode == 1
    assert f"HostError: org/tiny@{COMMIT} did not arrive whole: peer closed connection" in done.stderr.splitlines()[-1]
    handler.cut = 0
    assert fetched(tmp_path, endpoint, f"org/tiny@{COMMIT}").returncode == 0
