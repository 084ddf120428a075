"""What the how-to says of GPUs is what the specs say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from slipway.catalog import instance_types
from slipway.specs import ModelSpec
from slipway.specs.gpu import LEAST_FP8, sm_of

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "gpu.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
ROWS = re.findall(r"^\| (ml\..*?) \| .*? \| (\d+) \| (.*?) \|$", TEXT, re.MULTILINE)


def test_models_are_accepted() -> None:
    first = ModelSpec.model_validate_json(json.dumps(yaml.safe_load(BLOCKS[0])))
    assert first.gpu is not None
    assert first.gpu.architecture == 89
    more = yaml.safe_load(BLOCKS[0]) | yaml.safe_load(BLOCKS[1])
    assert ModelSpec.model_validate_json(json.dumps(more)).gpu != first.gpu


def test_table_names_every_family_with_its_architecture() -> None:
    told = {family: int(sm) for families, sm, _ in ROWS for family in families.split(", ")}
    known = {name.rsplit(".", 1)[0]: sm_of(name) for name, machine in instance_types().items() if machine.regions}
    assert told == {family: sm for family, sm in known.items() if sm is not None}


def test_table_offers_fp8_where_the_specs_accept_it() -> None:
    assert all(("fp8" in precisions) == (int(sm) >= LEAST_FP8) for _, sm, precisions in ROWS)
