"""Sessions: how many calls they compute at once, and on which cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from serving import runtimes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("threads", "calls"), [(1, 1), (4, 1), (1, 4), (2, 2)])
def test_openvino_computes_as_many_calls_at_once_as_it_is_told_and_binds_no_thread_to_a_core(
    classifier: Path, threads: int, calls: int
) -> None:
    session = runtimes.load("openvino", classifier / "model.onnx", threads=threads, calls=calls, options={})
    assert session.run("logits", {"x": np.zeros((1, 4), np.float32)}).shape == (1, 3)
    compiled = vars(session)["_model"]
    told = {key: compiled.get_property(key) for key in ("NUM_STREAMS", "INFERENCE_NUM_THREADS", "ENABLE_CPU_PINNING")}
    assert told == {"NUM_STREAMS": calls, "INFERENCE_NUM_THREADS": threads * calls, "ENABLE_CPU_PINNING": False}
