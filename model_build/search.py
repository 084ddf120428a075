"""From the recipes that a target offers to the one that is kept: the fastest that passes the gate."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from model_build.passes.benchmark import missed
from model_build.passes.verify import Verify, refused
from model_build.peers import compare
from model_build.race import race
from model_build.targets import is_search
from model_build.work import ShapingError, present
from slipway.specs import GateError, Tried

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_build.cache import Cache
    from model_build.peers import Compared
    from model_build.race import Runner
    from model_build.targets import Recipe
    from model_build.work import Work
    from slipway.specs import ModelSpec

SCREENED_ON: Final = 48
"""Inputs that a form answers before it is timed: one that is far off is not looked at again."""
SLACK: Final = 0.01
"""A screen that misses the gate by less is inconclusive on so few inputs."""


@dataclass(frozen=True)
class Candidate:
    """A form of the model that may be kept."""

    recipe: Recipe
    work: Work
    value: float


class Search:
    """The search for one model: first ``shape``, which may run beside others, then ``choose``, which measures.

    Args:
        spec: The target decides whether the manifest tells what was tried.
        recipes: What to try.
        cache: Keeps every form, so that an interrupted search goes on where it was.
        on_step: Hears which recipe is being tried.
    """

    def __init__(
        self, spec: ModelSpec, recipes: Sequence[Recipe], cache: Cache, on_step: Callable[[str], None]
    ) -> None:
        self._is_search = is_search(spec)
        self._recipes, self._cache, self._on_step = recipes, cache, on_step
        self._failures: list[ShapingError] = []
        self._tried: dict[str, Tried] = {}
        self._candidates: dict[str, Candidate] = {}

    def shape(self, work: Work) -> None:
        """Make every form that can be made, and screen it on a part of the data."""
        asked = Verify().questioned(work)
        for recipe in self._recipes:
            if self._is_search:
                self._on_step(recipe.name)
            if self._is_spared(recipe, asked):
                reason = f"{recipe.spared_by} passes the gate"
                self._tried[recipe.name] = Tried(recipe=recipe.name, outcome="spared", reason=reason)
                continue
            reason = next((it for it in (step.unfit(asked) for step in recipe.passes) if it is not None), "")
            shaped = self._attempt(recipe, asked) if reason == "" else reason
            if isinstance(shaped, str):
                self._tried[recipe.name] = Tried(recipe=recipe.name, outcome="unfit", reason=shaped)
            else:
                self._screen(recipe, shaped)
        if self._failures and not self._candidates:
            raise self._failures[0]

    def choose(self, work: Work) -> Work:
        """Return the work of the fastest form that passes the gate, with its proof and all that was tried.

        Raises:
            GateError: If none passes.
        """
        task, folders = present(work.task), {name: present(it.work.served) for name, it in self._candidates.items()}
        shapes, peers = list(task.shapes(work.spec)), self._peers(work)
        if self._is_search:
            self._on_step("race")
        asked = work.spec.benchmark
        ranking = []
        if len(folders) + len(peers) > 1:
            around = {name: peer.model for name, peer in peers.items()}
            ranking = race(task, shapes, folders, threads=asked.threads, needs=asked.p95_ms, peers=around)
        self._tried |= {runner.name: peers[runner.name].tried(runner) for runner in ranking if runner.name in peers}
        order: list[tuple[Candidate, Runner | None]] = [
            (self._candidates[runner.name], runner) for runner in ranking if runner.name not in peers
        ]
        kept: Work | None = None
        for candidate, runner in order or [(it, None) for it in self._candidates.values()]:
            kept = kept or self._proved(candidate, runner)
            late = [] if runner is None else missed(asked.p95_ms or {}, runner.p95_ms)
            self._tried.setdefault(candidate.recipe.name, _tried(candidate, runner, "slower", "; ".join(late)))
        if kept is None:
            raise self._nothing_passed(work)
        return replace(kept, tried=self._table() if self._is_search else ())

    def _peers(self, work: Work) -> dict[str, Compared]:
        """Return what is timed beside the candidates, if there is any; what cannot be is told with its reason."""
        found: dict[str, Compared] = {}
        some = next((present(each.work.served) for each in self._candidates.values()), None)
        for name in (work.spec.benchmark.peers or ()) if self._is_search and some is not None else ():
            self._on_step(name)
            peer = compare(Verify().questioned(work), name, self._cache, present(some))
            if isinstance(peer, str):
                self._tried[name] = Tried(recipe=name, outcome="unfit", reason=peer)
            else:
                found[name] = peer
        return found

    def _is_spared(self, recipe: Recipe, asked: Work) -> bool:
        """Judge the simpler form on all data: the screen lets through what nearly passes."""
        simpler = self._candidates.get(recipe.spared_by)
        return simpler is not None and refused(asked.spec, Verify().measure(simpler.work)) == ""

    def _attempt(self, recipe: Recipe, work: Work) -> Work | str:
        """Return the form, or why there is none: what one library cannot do with a model, another one may."""
        try:
            return self._shaped(recipe, work)
        except ShapingError as error:
            traceback.print_exc()  # to the build's log
            self._failures.append(error)
            return str(error)

    def _shaped(self, recipe: Recipe, work: Work) -> Work:
        own = replace(work, scratch=work.scratch / recipe.name, recipe=str(recipe))
        return Verify().laid_out(self._cache.shape(own, recipe.passes))

    def _screen(self, recipe: Recipe, work: Work) -> None:
        if len(self._recipes) == 1:  # it is judged on all inputs, and that is that
            self._candidates[recipe.name] = Candidate(recipe, work, 0.0)
            return
        try:
            measured = Verify().measure(work, at_most=SCREENED_ON)
        except GateError as error:
            self._tried[recipe.name] = Tried(recipe=recipe.name, outcome="refused", reason=str(error))
            return
        candidate = Candidate(recipe, work, measured.value)
        reason = refused(work.spec, replace(measured, bound=measured.value + SLACK, refusal=""))
        if reason == "":
            self._candidates[recipe.name] = candidate
        else:
            self._tried[recipe.name] = _tried(candidate, None, "refused", reason)

    def _proved(self, candidate: Candidate, runner: Runner | None) -> Work | None:
        self._on_step("verify")
        try:
            proved = Verify().run(candidate.work)
        except GateError as error:
            self._tried[candidate.recipe.name] = _tried(candidate, runner, "refused", str(error))
            return None
        judged = replace(candidate, value=present(proved.proof).value)
        self._tried[candidate.recipe.name] = _tried(judged, runner, "kept", "")
        return proved

    def _table(self) -> tuple[Tried, ...]:
        """Return what was tried, best first."""
        order = ("kept", "slower", "refused", "spared", "peer", "unfit")
        return tuple(sorted(self._tried.values(), key=lambda it: (order.index(it.outcome), -(it.speedup or 0))))

    def _nothing_passed(self, work: Work) -> GateError:
        reasons = [f"{each.recipe}: {each.reason}" for each in self._tried.values() if each.outcome == "refused"]
        if len(self._recipes) == 1:
            return GateError(next(each.reason for each in self._tried.values()))
        return GateError(f"{work.name}: no recipe passes the gate\n  " + "\n  ".join(reasons))


def _tried(candidate: Candidate, runner: Runner | None, outcome: str, reason: str) -> Tried:
    return Tried.model_validate(
        {
            "recipe": candidate.recipe.name,
            "outcome": outcome,
            "reason": reason,
            "value": round(candidate.value, 6),
            "size_bytes": present(candidate.work.graph).size_bytes,
            "speedup": None if runner is None else round(runner.speed, 3),
            "latency_ms": {} if runner is None else runner.latency_ms,
        }
    )
