"""A real Chromium, from the npm package that brings one, spoken to over its debugging pipe: no driver, no port."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import subprocess
import sys
import tarfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(__file__).resolve().parents[2] / "node_modules" / "@sparticuz" / "chromium" / "bin"
UNPACK = """
const { readFileSync, writeFileSync } = require("fs"), [from, to] = process.argv.slice(1);
writeFileSync(to, require("zlib").brotliDecompressSync(readFileSync(from)));
"""
START = """
import os, sys
reading, writing, *command = sys.argv[1:]
os.dup2(int(reading), 3)
os.dup2(int(writing), 4)
os.execv(command[0], command)
"""
"""The browser reads its pipe at 3 and writes it at 4."""
FLAGS = (
    *("--headless=shell", "--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1", "--remote-debugging-pipe"),
)
PATIENCE_SECONDS = 240.0


def unpack(folder: Path) -> Path:
    """Return the browser's program, with the libraries and fonts that the package brings beside it."""
    for name in ("chromium", "al2023.tar", "fonts.tar"):
        subprocess.run(["node", "-e", UNPACK, str(PACKAGE / f"{name}.br"), str(folder / name)], check=True, timeout=300)
    for name in ("al2023.tar", "fonts.tar"):
        with tarfile.open(folder / name) as archive:
            archive.extractall(folder, filter="data")
        (folder / name).unlink()
    (folder / "chromium").chmod(0o755)
    return folder / "chromium"


class Browser:
    """One browser with one page; a context manager.

    Args:
        program: The browser.
        folder: Where it may write.
    """

    def __init__(self, program: Path, folder: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._lines: deque[bytes] = deque()
        self._rest, self._number = b"", 0
        to_browser, self._writing = _pipe()
        self._reading, from_browser = _pipe()
        own = (f"--user-data-dir={folder / 'profile'}", "about:blank")
        self._errors = (folder / "browser.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, str(to_browser), str(from_browser), str(program), *FLAGS, *own],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            env={
                **os.environ,
                "LD_LIBRARY_PATH": str(program.parent / "lib"),
                "FONTCONFIG_PATH": str(program.parent / "fonts"),
                "HOME": str(folder),
            },
        )
        os.close(to_browser)
        os.close(from_browser)
        self._session = ""
        attached = self.call("Target.attachToTarget", targetId=self._page(), flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._errors.close()
        os.close(self._reading)
        os.close(self._writing)

    def open(self, page: Path) -> None:
        """Open a file and wait until nothing more is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        self._until(lambda: "Page.loadEventFired" in self._since(page.as_uri()))

    def seen(self, method: str) -> list[dict[str, Any]]:
        """Return what was told under one name since the page was opened."""
        return [event["params"] for event in self.events if event["method"] == method]

    def value(self, expression: str) -> Any:
        """Return what an expression comes to in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def scheme(self, name: str) -> None:
        """Ask for light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, target: Path, *, width: int = 1120) -> None:
        """Write the whole page as PNG."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        target.write_bytes(base64.b64decode(shot["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call the browser and return its answer."""
        self._number += 1
        number, session = self._number, {"sessionId": self._session} if self._session_known() else {}
        message = json.dumps({"id": number, "method": method, "params": parameters, **session})
        os.write(self._writing, message.encode() + b"\0")
        found: list[dict[str, Any]] = []
        self._until(lambda: found != [], number, found)
        assert "error" not in found[0], found[0]
        result: dict[str, Any] = found[0]["result"]
        return result

    def _page(self) -> str:
        """Return the page that it begins with, which may be there later than the browser."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            for found in self.call("Target.getTargets")["targetInfos"]:
                if found["type"] == "page":
                    return str(found["targetId"])
            assert time.monotonic() < end, "the browser has no page"
            time.sleep(0.02)

    def _since(self, url: str) -> list[str]:
        """Return what was told since the page at an address came in the place of the one before."""
        said = [event["params"].get("frame", {}).get("url") for event in self.events]
        return [event["method"] for event in self.events[said.index(url) :]] if url in said else []

    def _session_known(self) -> bool:
        return getattr(self, "_session", "") != ""

    def _until(self, done: Callable[[], bool], number: int = 0, found: list[dict[str, Any]] | None = None) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            message = json.loads(self._next(end))
            if found is not None and message.get("id") == number:
                found.append(message)
            elif "method" in message:
                self.events.append(message)

    def _next(self, end: float) -> bytes:
        while not self._lines:
            readable, _, _ = select.select([self._reading], [], [], max(0.0, end - time.monotonic()))
            assert readable, "the browser did not answer"
            chunk = os.read(self._reading, 1 << 20)
            assert chunk != b"", "the browser ended"
            *whole, self._rest = (self._rest + chunk).split(b"\0")
            self._lines.extend(whole)
        return self._lines.popleft()


def _pipe() -> tuple[int, int]:
    """Return a pipe for reading and writing whose numbers are none of those that the browser uses."""
    low = os.pipe()
    reading, writing = (fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 10) for handle in low)
    for handle in low:
        os.close(handle)
    return reading, writing
