from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.catalog import instance_types, limit, shape
from slipway.catalog.limits import ITEM, in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import Shape

ROOT = Path(__file__).parents[2]
CONTENT = json.loads((ROOT / "slipway" / "catalog" / "limits.json").read_text(encoding="utf-8"))
PROSE = json.loads((ROOT / "slipway" / "catalog" / "prose_limits.json").read_text(encoding="utf-8"))
CONFIG = "AWS::SageMaker::EndpointConfig"


def below(found: Shape) -> Iterator[Shape]:
    yield found
    for inner in found.members.values():
        yield from below(inner)


def variant() -> Shape:
    config = shape(CONFIG)
    assert config is not None
    return config.at("ProductionVariants", ITEM)


def test_files_name_their_sources_and_dates() -> None:
    assert dt.date.fromisoformat(CONTENT["taken"]).year >= 2026
    assert {name: each["version"] for name, each in CONTENT["sources"].items()} == {
        name: version(name) for name in ("botocore", "cfn-lint")
    }
    assert dt.date.fromisoformat(PROSE["read"]).year >= 2026
    assert {row["page"] for row in PROSE["limits"].values()} == {*PROSE["pages"]}


def test_file_is_what_the_pinned_versions_give() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_limits.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", CONTENT["types"])
def test_every_row_is_a_shape_whose_patterns_python_knows(name: str) -> None:
    found = shape(name)
    assert found is not None
    assert len(list(below(found))) == len(CONTENT["types"][name])
    for each in below(found):
        assert all(re.compile(pattern) for pattern in each.patterns)
        assert set(each.required) <= {*each.members}
        assert each.least is None or each.most is None or each.least <= each.most


def test_variant_is_bounded_as_the_api_bounds_it() -> None:
    volume = variant().at("VolumeSizeInGB")
    assert (volume.kind, volume.least, volume.most, volume.by) == ("integer", 1, 512, "both")
    assert set(variant().at("InstanceType").accepted) == {*instance_types()}
    assert variant().required == ("VariantName",)


def test_names_are_optional_as_cloudformation_has_them() -> None:
    assert all("Name" not in key for key in (shape(CONFIG) or variant()).required)
    assert shape("AWS::No::Such") is None


def test_what_aws_sets_is_no_property() -> None:
    assert "EndpointConfigArn" not in (shape(CONFIG) or variant()).members


def test_prose_limit_has_its_page() -> None:
    canary = limit("canary_percent")
    assert (canary.least, canary.most, canary.read) == (1, 50, PROSE["read"])
    assert canary.page.startswith("https://docs.aws.amazon.com/")


def test_words_are_kept_for_patterns_that_are_there() -> None:
    kept = set(PROSE["patterns"])
    used = {p for t in CONTENT["types"].values() for row in t.values() for p in row.get("patterns", ())}
    assert kept <= used
    assert in_words("[0-9]!") == "what matches [0-9]!"
