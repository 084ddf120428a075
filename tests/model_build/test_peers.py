"""What PyTorch's own compiler makes of a model: timed beside the others, never kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from model_build.cache import Cache
from model_build.passes.compile_aotinductor import CompileAotInductor
from model_build.passes.optimize import Optimize
from model_build.passes.verify import Verify
from model_build.peers import _Inductor
from model_build.search import Search
from model_build.served import lay_out
from model_build.targets import Recipe, step_count
from model_build.work import present

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.work import Work


@pytest.fixture
def compared(embedder_work: Work) -> Work:
    """The tiny embedder, whose spec asks for the peer."""
    benchmark = embedder_work.spec.benchmark.model_copy(update={"peers": ("aotinductor",)})
    spec = embedder_work.spec.model_copy(update={"benchmark": benchmark, "target": "cpu"})
    return Verify().questioned(replace(embedder_work, spec=spec))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
def test_search_times_the_peer_and_never_keeps_it(compared: Work, tmp_path: Path) -> None:
    steps: list[str] = []
    cache = Cache(tmp_path / "cache", {}, lambda _: None)
    search = Search(compared.spec, (Recipe("exact", (Optimize(),)),), cache, steps.append)
    search.shape(compared)
    tried = {each.recipe: each for each in search.choose(compared).tried}
    assert (tried["exact"].outcome, tried["aotinductor"].outcome) == ("kept", "peer")
    assert steps == ["exact", "aotinductor", "race", "verify"]
    peer = tried["aotinductor"]
    assert peer.value == pytest.approx(1, abs=1e-5)
    assert peer.reason == "for comparison: it needs PyTorch, which the server has not"
    assert tried["exact"].latency_ms.keys() == peer.latency_ms.keys() == {"1x8"}
    assert present(peer.speedup) > 0

    graph = present(cache.shape(compared, (CompileAotInductor(),)).graph)  # compiled once
    session, eager = _Inductor(graph, ["input_ids", "attention_mask"]), present(compared.original).module
    for shape in ((1, 2), (3, 5), (8, 24)):
        feeds = present(compared.task).feeds(shape)
        wanted = eager(**{name: _tensor(feed) for name, feed in feeds.items()}).detach().numpy()
        np.testing.assert_allclose(session.run("", feeds), wanted, atol=1e-5)
        strided = {name: np.asfortranarray(feed) for name, feed in feeds.items()}
        np.testing.assert_allclose(session.run("", strided), wanted, atol=1e-5)
    with pytest.raises(AssertionError, match="timed, never served"):
        lay_out(replace(compared, graph=graph), present(compared.samples))


def test_peer_is_told_with_its_reason_where_it_cannot_be_compiled(
    compared: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    steps: list[str] = []
    search = Search(compared.spec, (Recipe("exact", (Optimize(),)),), Cache(tmp_path, {}, lambda _: None), steps.append)
    search.shape(compared)
    tried = {each.recipe: each for each in search.choose(compared).tried}
    assert tried["exact"].outcome == "kept"
    assert tried["aotinductor"].outcome == "unfit"
    assert tried["aotinductor"].reason == "AOTInductor writes C++, and this machine has no compiler for it"


def test_step_count_knows_the_peers(compared: Work) -> None:
    alone = compared.spec.model_copy(update={"benchmark": compared.spec.benchmark.model_copy(update={"peers": None})})
    assert step_count(compared.spec) == step_count(alone) + 1


def _tensor(feed: np.ndarray) -> object:
    import torch

    return torch.from_numpy(feed)
