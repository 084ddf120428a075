"""One input, asked in other ways, is one answer."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from model_build import consistency as consistencies
from model_build.consistency import consistency
from model_build.passes.optimize import Optimize
from model_build.passes.verify import Verify, refused
from model_build.server_process import ServerProcess
from model_build.work import Work, present
from serving.model import Model
from slipway.specs import GateError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def laid_out(embedder_work: Work) -> Work:
    return Verify().laid_out(Verify().questioned(Optimize().run(embedder_work)))


def judged(work: Work) -> dict[str, float]:
    return consistency(work, partial(refused, work.spec))


def changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[np.ndarray, int], np.ndarray]) -> None:
    """Let every model of this process answer something else; the server's stays as it is."""
    before, loaded = Model.predict, Model.load
    loads: dict[int, int] = {}

    def load(*args: Any, **kwargs: Any) -> Model:
        model = loaded(*args, **kwargs)
        loads[id(model)] = len(loads) + 1
        return model

    monkeypatch.setattr(Model, "load", load)
    monkeypatch.setattr(Model, "predict", lambda self, inputs: change(before(self, inputs), loads[id(self)]))


def test_an_artifact_that_is_right_answers_alike_in_every_way(laid_out: Work) -> None:
    found = judged(laid_out)
    assert found["alone"] >= 0.9999
    assert found["alone_against_batched"] >= 0.9999
    assert found["asked_twice"] == found["loaded_again"] == 0
    assert found["asked_through_the_server"] <= 1e-6


def test_proof_carries_it(laid_out: Work) -> None:
    proof = present(Verify().run(laid_out).proof)
    assert proof.consistency.keys() == judged(laid_out).keys()
    assert len(proof.worst) == 3


def test_refused_when_batch_mates_change_answers(laid_out: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda answers, _: answers if len(answers) == 1 else -answers)
    with pytest.raises(GateError, match=r"^tiny: alone against in a batch: cosine_similarity is -0.9.*; worst: -1.0"):
        judged(laid_out)


def test_refused_when_it_is_wrong_alone(laid_out: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda answers, _: -answers if len(answers) == 1 else answers)
    with pytest.raises(GateError, match=r"^tiny: asked alone: cosine_similarity is -"):
        judged(laid_out)


def test_refused_when_a_second_load_answers_differently(laid_out: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda answers, load: answers if load == 1 else answers * np.float32(1.001))
    with pytest.raises(GateError, match=r"^tiny: loaded again, an answer differs by 0\.\S+; at most 1e-06 may be$"):
        judged(laid_out)


def test_refused_when_it_does_not_repeat_itself(laid_out: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    changed(monkeypatch, lambda answers, _: answers + random.normal(size=answers.shape).astype(np.float32) * 1e-4)
    with pytest.raises(GateError, match=r"^tiny: asked twice, an answer differs by 0\.000"):
        judged(laid_out)


def test_refused_when_the_server_answers_something_else(laid_out: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda answers, _: answers * np.float32(1.001))  # the server does not
    with pytest.raises(GateError, match=r"^tiny: asked through the server, an answer differs by "):
        judged(laid_out)


def test_server_that_cannot_load_ends_in_its_own_words(laid_out: Work) -> None:
    manifest = present(laid_out.served) / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_bytes()), "runtime": "abacus"}))
    with ServerProcess(present(laid_out.served), threads=1) as server, pytest.raises(GateError, match=r"'abacus'"):
        server.wait_until_ready()


def test_server_refusal_is_told(laid_out: Work) -> None:
    with ServerProcess(present(laid_out.served), threads=1) as server:
        server.wait_until_ready()
        with pytest.raises(GateError, match=r"^the server answers 400: "):
            server.ask([7])


def test_labels_are_compared_with_the_labels_alone(classifier_work: Work) -> None:
    work = Verify().laid_out(Verify().questioned(Optimize().run(classifier_work)))
    assert judged(work)["alone_against_batched"] == 1.0


def test_refused_when_neighbours_change_labels(classifier_work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Verify().laid_out(Verify().questioned(Optimize().run(classifier_work)))
    changed(monkeypatch, lambda answers, _: answers if len(answers) == 1 else np.roll(answers, 1, axis=1))
    with pytest.raises(GateError, match=r"^quarters: alone against in a batch: accuracy is 0\.0"):
        judged(work)


def test_every_input_is_in_one_group() -> None:
    for count in (1, 2, 7, 100):
        groups = consistencies._groups(count)  # noqa: SLF001  its parts must be whole
        assert sorted(at for group in groups for at in group) == list(range(count))
        assert max(len(group) for group in groups) <= max(consistencies.BATCHES)
    assert {len(group) for group in consistencies._groups(100)} >= set(consistencies.BATCHES)  # noqa: SLF001


def test_top_k_beyond_the_labels_is_refused(classifier_work: Work) -> None:
    verify = classifier_work.spec.verify.model_copy(update={"top_k": 4})
    spec = classifier_work.spec.model_copy(update={"verify": verify})
    with pytest.raises(Exception, match=r"verify\.top_k: 4 of 4 labels tell nothing, accepted: at most 3"):
        Verify().questioned(replace(classifier_work, spec=spec))
