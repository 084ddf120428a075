"""What the page on our own server says is what the server does."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import TypeAdapter

from serving import settings
from slipway.specs.endpoint import EndpointSpec
from slipway.specs.serve import Serve
from slipway.specs.servers import OnnxRuntime
from tests.serving.conftest import started, write_classifier
from tests.specs.servers.test_onnxruntime import ARTIFACT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving.conftest import Server

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "serve.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `((?:SLIPWAY|SAGEMAKER)_[A-Z_]+)` \| (.+?) \|", PAGE, re.MULTILINE))


def block(language: str, number: int = 0) -> str:
    found: str = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[number]
    return found


class Recording(dict[str, str]):
    """An environment that notes what is read of it."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def test_table_holds_every_setting() -> None:
    environment = Recording({})
    settings.read(environment)
    assert environment.names == ROWS.keys()


@pytest.mark.parametrize("name", [name for name, default in ROWS.items() if default.startswith("`")])
def test_default_is_what_the_page_says(name: str) -> None:
    assert settings.read({name: ROWS[name].strip("`")}) == settings.read({})


def test_other_values_are_heard() -> None:
    example = yaml.safe_load(block("yaml"))["variants"][0]
    told = OnnxRuntime(**example["server"]).variables(ARTIFACT, None)
    heard = replace(settings.read({}), queue_limit=128, batch_size=16, emf=True, log_level="warning")
    assert settings.read({**told, **example["environment"]}) == heard


def test_examples_are_accepted() -> None:
    TypeAdapter(EndpointSpec).validate_json(json.dumps(yaml.safe_load(block("yaml"))))
    Serve.model_validate(yaml.safe_load(block("yaml", 1))["serve"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = write_classifier(tmp_path_factory.mktemp("unpacked"))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"handler": "handler.py"}))
    (folder / "handler.py").write_text(block("python"))
    with started(folder, tmp_path_factory.mktemp("logs")) as running:
        yield running
    shutil.rmtree(folder)


def test_handler_of_the_page_answers(server: Server) -> None:
    rows = re.findall(r"--data-binary \$'(.*?)'", block("console"))[0].replace("\\n", "\n")
    answer = server.ask(rows.encode(), headers={"Content-Type": "text/csv"})
    document = server.ask(
        {"inputs": [[float(number) for number in row.split(",")] for row in rows.split("\n")]}
    ).document
    assert (answer.status, answer.document) == (200, document)
    assert len(document["best"]) == len(document["surely"]) == 2
    refused = server.ask(b"1,2", headers={"Content-Type": "text/csv"})
    assert (refused.status, refused.message) == (400, "a row has not four columns")
    assert server.ask(b"x", headers={"Content-Type": "image/png"}).status == 415


def test_metrics_of_the_page_are_those_of_the_server(server: Server) -> None:
    told = set(re.findall(r"^# TYPE (\S+)", server.ask(method="GET", path="/metrics").body.decode(), re.MULTILINE))
    rows = re.findall(r"^\| (`slipway_.*?) \|", PAGE, re.MULTILINE)
    assert told == {name for row in rows for name in re.findall(r"slipway_[a-z_]+", row)}
