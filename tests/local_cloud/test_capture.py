"""What is captured while what was captured before is written."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from slipway.local_cloud import capture

if TYPE_CHECKING:
    import pytest

SETTINGS = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://bucket/it",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}


def test_nothing_stays_that_comes_while_others_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written, begun, going_on = list[int](), threading.Event(), threading.Event()

    def write(_url: str, _stream: object, lines: list[str]) -> None:
        begun.set()
        assert going_on.wait(60)
        written.append(len(lines))

    monkeypatch.setattr(capture, "_FLUSH_SECONDS", 0)
    monkeypatch.setattr(capture, "_write", write)
    config = SimpleNamespace(request={"DataCaptureConfig": SETTINGS})
    endpoint: Any = SimpleNamespace(name="e", place="here", fleet=SimpleNamespace(config=config))
    variant: Any = SimpleNamespace(name="main")
    answer: Any = SimpleNamespace(headers={}, body=b"")

    async def two() -> None:
        taking = capture.Capture("http://127.0.0.1:1")
        taking.observe(endpoint, variant, {}, b"first", answer)
        await asyncio.to_thread(begun.wait, 60)
        taking.observe(endpoint, variant, {}, b"second", answer)
        going_on.set()
        flushing = taking._flushing  # noqa: SLF001  nothing else tells when it is done
        assert flushing is not None
        await flushing

    asyncio.run(two())
    assert written == [1, 1]
