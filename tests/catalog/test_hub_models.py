from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from slipway.catalog import hub_models
from slipway.fit import model_of_config

CONTENT = json.loads((Path(__file__).parents[2] / "slipway" / "catalog" / "hub_models.json").read_text())


def test_file_names_its_sources_and_their_date() -> None:
    assert dt.date.fromisoformat(CONTENT["taken"]).year >= 2026
    assert all(source["page"] and source["says"] for source in CONTENT["sources"].values())


@pytest.mark.parametrize("row", CONTENT["models"], ids=lambda row: row["id"])
def test_shape_makes_as_many_parameters_as_the_hub_shows(row: dict[str, object]) -> None:
    # DeepSeek-V3 stores 14,848 numbers of its router that transformers does not call parameters.
    assert model_of_config(row["config"]).parameters == pytest.approx(row["parameters"], rel=3e-8)


def test_id_is_known_once() -> None:
    names = [name for row in CONTENT["models"] for name in (row["id"], *row["also"])]
    assert len(names) == len(set(names)) == len(hub_models())
