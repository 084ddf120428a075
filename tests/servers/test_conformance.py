"""Servers of others, with the checks that take no time: all pass, but for what they are known to do otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.operations.conform import DEPARTURES, checks
from tests.servers.conformance import reported

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

QUICK = (
    *(
        "ExampleAnswered",
        "OriginalsAnswer",
        "AnswerNamesItsType",
        "ContentTypeUnknown",
        "AcceptUnknown",
        "CharsetTaken",
    ),
    *("MalformedBodyRefused", "UnknownRouteRefused", "WrongMethodRefused", "NoiseRefused", "ConnectionKept"),
    *("ChunkedBodyAnswered", "CustomAttributesTaken", "SixMebibytes", "SlowCallersHoldNobodyUp"),
)


MANY = (
    "ExampleAnswered",
    "UnloadedModelNotFound",
    "LoadedOnce",
    "ModelsListed",
    "UnloadedForgotten",
    "BadModelNotLoaded",
    "MalformedBodyRefused",
    "WrongMethodRefused",
)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["torchserve", "huggingface", "triton", "lmi"])
def test_server_passes_all_but_what_it_is_known_for(server: str, tmp_path: Path) -> None:
    require_known(server, QUICK, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["onnxruntime", "torchserve", "triton"])  # multi-model-server too, in half a minute
def test_server_loads_and_forgets_many_models(server: str, tmp_path: Path) -> None:
    require_known(server, MANY, tmp_path, "-multi-model")


def require_known(server: str, names: Sequence[str], folder: Path, kind: str = "") -> None:
    code, report = reported(server + kind, folder, *[word for name in names for word in ("--only", name)])
    outcomes = {one["check"]: one["outcome"] for one in report["checks"]}
    seen = {one["check"]: one["saw"] for one in report["checks"] if one["outcome"] in {"failed", "not run"}}
    assert seen == {}
    known = {each.check for each in DEPARTURES.get(server, ()) if kind != "" or not each.of_many}
    assert {name for name, outcome in outcomes.items() if outcome == "departs"} == known & set(names)
    assert (code, set(outcomes)) == (0, set(names))


def test_departures_are_of_checks_that_there_are() -> None:
    names = {check.id for check in checks()}
    for server, known in DEPARTURES.items():
        assert {each.check for each in known} <= names, server
        assert len({each.check for each in known}) == len(known), server
