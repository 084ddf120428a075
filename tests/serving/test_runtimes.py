"""Sessions: how many calls they compute at once, and on which cores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("calls", [1, 4])
def test_answers_stay_as_they_are_when_the_next_is_asked_for(classifier: Path, runtime: str, calls: int) -> None:
    """OpenVINO points to the memory of what it is given and writes each answer over the last."""
    session = runtimes.load(runtime, classifier / "model.onnx", threads=1, calls=calls, options={})
    chance = np.random.default_rng(3)
    inputs = [chance.normal(size=(4, batch)).astype(np.float32).T for batch in range(1, 40)]  # their columns are rows
    asked = [session.run("logits", {"x": each}) for each in inputs]
    for each, answer in zip(inputs, asked, strict=True):
        np.testing.assert_allclose(answer, session.run("logits", {"x": each.copy(order="C")}), atol=1e-6)
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda each: session.run("logits", {"x": each}), inputs * 8))
    for answer, at_once in zip(asked * 8, again, strict=True):
        np.testing.assert_allclose(at_once, answer, atol=1e-6)
