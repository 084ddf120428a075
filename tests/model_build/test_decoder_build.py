"""Decoders through a whole build: searched, proved in every way that they are asked, timed by the token."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from model_build import build
from model_build.consistency import consistency
from model_build.passes.optimize import Optimize
from model_build.passes.verify import Verify, refused
from model_build.targets import GENERATION
from model_build.work import Work, present
from serving.decoder import Decoder
from serving.generate import Generator
from slipway.specs import GateError, Manifest, Project
from tests.model_build.decoders import MODELS, write_decoder
from tests.model_build.speech import export, loaded

if TYPE_CHECKING:
    import numpy as np

KINDS = sorted(MODELS)
TARGETS = {"llama": "cpu", "neo": "cpu-lossless"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("decoders")
    for kind, target in TARGETS.items():
        write_decoder(root, kind, target=target)
    build(Project(root))
    return Project(root)


def manifest(project: Project, name: str) -> Manifest:
    folder = project.artifact_folder(name, project.lock.models[name].digest)
    return Manifest.model_validate_json((folder / "manifest.json").read_bytes())


def test_search_tries_every_recipe_and_says_what_came_of_it(built: Project) -> None:
    tried = {each.recipe: each for each in manifest(built, "llama").tried}
    assert tried.keys() == {recipe.name for recipe in GENERATION}
    (kept,) = [each for each in tried.values() if each.outcome == "kept"]
    assert present(kept.value) >= 0.98
    assert present(kept.speedup) > 1
    assert all(each.reason != "" for each in tried.values() if each.outcome in ("refused", "unfit"))
    assert kept.latency_ms.keys() == {"1x8x0", "1x1x8"}


def test_lossless_keeps_a_form_that_says_what_the_original_says(built: Project) -> None:
    found = manifest(built, "neo")
    for name in ("onnxruntime-int8", "openvino-int8-weights", "openvino-int4-weights"):
        (tried,) = [each for each in found.tried if each.recipe == name]
        assert tried.outcome == "refused", "near in divergence is not enough"
    assert present(found.proof.bound) >= 0.9999
    assert found.proof.details["same_text"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_ratio_of_a_token_is_in_manifest_lock_and_report(built: Project, kind: str) -> None:
    found, locked = manifest(built, kind), built.lock.models[kind]
    (row,) = found.per_token
    assert row.shape == "1x8+16"
    assert 0 < row.ratio_p25 <= row.ratio <= row.ratio_p75
    assert locked.per_token == found.per_token
    page = (built.artifact_folder(kind, locked.digest) / "report.html").read_text()
    (table,) = [part for part in page.split("<table") if part.startswith(' class="latency tokens"')]
    assert '<th scope="row">1x8+16</th>' in table


@pytest.mark.parametrize("kind", KINDS)
def test_proof_says_how_alike_it_answers_however_it_is_asked(built: Project, kind: str) -> None:
    alike = manifest(built, kind).proof.consistency
    assert alike["alone"] >= 0.98
    assert alike["alone_against_batched"] >= 0.98
    assert alike["asked_twice"] <= 1e-5
    assert alike["loaded_again"] <= 1e-5
    assert alike["asked_through_the_server"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_proof_carries_agreement_divergence_and_perplexity_with_bounds(built: Project, kind: str) -> None:
    proof = manifest(built, kind).proof
    assert present(proof.bound) <= proof.value
    for name in ("next_token_agreement", "perplexity_ratio", "same_text"):
        assert proof.details[f"{name}_bound"] <= proof.details[name]
    assert proof.details["perplexity_difference"] <= proof.details["perplexity_difference_bound"] < 0.02


def test_cold_start_is_that_of_a_first_answer(built: Project) -> None:
    server = present(manifest(built, "llama").server)
    assert 100 < server.cold_start_min_ms <= server.cold_start_ms
    assert 20e6 < present(server.peak_memory_bytes) < 2e9


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Work:
    root = tmp_path_factory.mktemp("laid-out")
    work = Verify().questioned(loaded(write_decoder(root, "llama"), root / "scratch"))
    return Verify().laid_out(Optimize().run(export(work)))


def judged(work: Work) -> dict[str, float]:
    return consistency(work, partial(refused, work.spec))


def test_refused_when_batch_mates_change_what_comes_next(laid_out: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    follow = Decoder.follow

    def muddled(self: Decoder, feeds: dict[str, np.ndarray], tokens: np.ndarray) -> np.ndarray:
        logits = follow(self, feeds, tokens)
        return logits if len(logits) == 1 else logits[..., ::-1]

    monkeypatch.setattr(Decoder, "follow", muddled)
    with pytest.raises(GateError, match=r"^llama: alone against in a batch: kl_similarity is 0\.\d+"):
        judged(laid_out)


def test_refused_when_the_server_says_another_text(laid_out: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Generator.answer

    def other(self: Generator, *args: Any) -> bytes:
        document = json.loads(answer(self, *args))
        return json.dumps({**document, "generated_text": ["something else"]}).encode()

    monkeypatch.setattr(Generator, "answer", other)  # of this process: the server's stays as it is
    with pytest.raises(GateError, match=r"^llama: asked through the server, .* is gone on with by .* and here by"):
        judged(laid_out)
