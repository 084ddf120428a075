"""What the how-tos say of the servers with toolkits, and of own images, is what their specs and hosts do."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.catalog import instance_types
from slipway.local_cloud.hosts import host_of
from slipway.specs.realtime import RealtimeEndpointSpec
from slipway.specs.servers import HuggingFace, OwnImage, ServerSpec, TorchServe
from tests.servers.toolkits import artifact

HERE = Path(__file__).parents[2] / "docs" / "how-to"
KINDS: dict[str, type[ServerSpec]] = {"torchserve": TorchServe, "huggingface": HuggingFace, "own-image": OwnImage}
MACHINE = instance_types()["ml.c7i.xlarge"]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (HERE / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)


def server_of(page: str) -> ServerSpec:
    [block] = blocks(page, "yaml")
    spec = RealtimeEndpointSpec.model_validate_json(json.dumps(yaml.safe_load(block)))
    return spec.variants[0].server


@pytest.mark.parametrize("page", KINDS)
def test_endpoint_is_accepted_and_its_image_is_named(page: str) -> None:
    server = server_of(page)
    assert type(server) is KINDS[page]
    image = server.image("eu-west-1", MACHINE)
    assert image is not None
    assert "@" in image or not image.endswith(":latest")
    assert list(server.problems(artifact("minilm"), MACHINE)) == []


@pytest.mark.parametrize("page", ["torchserve", "huggingface"])
def test_table_tells_of_every_option_and_what_it_becomes(page: str) -> None:
    text = (HERE / f"{page}.md").read_text(encoding="utf-8")
    table = text[text.index("| option |") :].split("\n\n", maxsplit=1)[0]
    told = {word for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for word in re.findall(r"`(\w+)`", row)}
    assert told == set(KINDS[page].model_fields) - {"name"} - ({"version"} if page == "torchserve" else set())
    variables = server_of(page).variables(artifact("minilm"), MACHINE)
    named = set(re.findall(r"`((?:SAGEMAKER|TS|MMS|HF)_\w+)`", table))
    assert named - {"HF_TASK"} == set(variables) - {"SLIPWAY_THREADS"}


@pytest.mark.parametrize("page", ["torchserve", "huggingface"])
def test_defaults_are_as_told(page: str) -> None:
    fields: dict[str, Any] = {name: field.default for name, field in KINDS[page].model_fields.items()}
    for name, told in re.findall(
        r"^\| `(\w+)` \|.*\| `?([\w.-]+)`?(?:;.*)? \|$", (HERE / f"{page}.md").read_text(), re.MULTILINE
    ):
        if fields[name] is not None:
            assert str(fields[name]) == told, name


def test_script_defines_what_the_toolkit_calls(tmp_path: Path) -> None:
    from slipway.specs.servers.toolkit import _script_problems

    [block] = blocks("torchserve", "python")
    ast.parse(block)
    (tmp_path / "inference.py").write_text(block)
    assert list(_script_problems(tmp_path / "inference.py")) == []


@pytest.mark.parametrize("page", ["torchserve", "huggingface"])
def test_local_cloud_runs_it_and_says_what_the_page_says(page: str) -> None:
    image = server_of(page).image("us-east-1", MACHINE)
    host = host_of(str(image))
    assert host is not None
    words = " ".join((HERE / f"{page}.md").read_text(encoding="utf-8").split())
    assert f'`slipway local status` says "{host.stand_in}"' in words
    [example] = re.findall(r"slipway-local-([a-z-]+)$", blocks(page, "console")[0], re.MULTILINE)
    written = yaml.safe_load((HERE.parents[1] / "endpoints" / f"{example}.yaml").read_text(encoding="utf-8"))
    spec = RealtimeEndpointSpec.model_validate_json(json.dumps(written))
    assert host_of(str(spec.variants[0].server.image("us-east-1", MACHINE))) is host


def test_image_with_another_transformers_runs_nowhere_here() -> None:
    older = HuggingFace(name="huggingface", version="2.6.0-transformers4.51.3").image("us-east-1", MACHINE)
    assert host_of(str(older)) is None
