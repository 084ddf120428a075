"""What the how-to says of machines is what the specs say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import yaml

from slipway.specs import RealtimeEndpointSpec
from slipway.specs.servers import ServerName

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "machines.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_two_versions_are_those_of_the_example() -> None:
    assert blocks()[0] in (ROOT / "endpoints" / "sentence-embedder.yaml").read_text(encoding="utf-8")


def test_fallback_is_accepted_in_its_order() -> None:
    spec = RealtimeEndpointSpec.model_validate_json(json.dumps(yaml.safe_load(blocks()[1])))
    machines = [name for _, name in spec.variants[0].machines()]
    assert machines == ["ml.c7i.xlarge", "ml.c6i.xlarge", "ml.m7i.xlarge"]


def test_page_must_be_rewritten_when_a_server_uses_a_gpu() -> None:
    assert set(get_args(ServerName)) == set(re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.MULTILINE))
    assert "`onnxruntime` computes on\nthe CPU alone" in TEXT
