from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from serving import engine as engines
from serving.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("threads", [1, 2])
def test_proof_breaks_the_engine_until_the_model_answers_again(fragile: Path, threads: int) -> None:
    engine = Engine(max_batch=4)
    engine.load(fragile, threads)
    engine.state = engines.READY
    model = engine._narrow  # noqa: SLF001  the only way to let a model that has loaded fail
    assert model is not None
    good = model.manifest
    model.manifest = replace(good, example=[[-1.0, 1.0, 1.0]])
    engine.prove()
    assert engine.state == engines.BROKEN
    model.manifest = good
    engine.prove()
    assert engine.state == engines.READY


def test_proof_does_not_wake_an_engine_that_drains(fragile: Path) -> None:
    engine = Engine(max_batch=4)
    engine.load(fragile, 1)
    engine.state = engines.DRAINING
    engine.prove()
    assert engine.state == engines.DRAINING
