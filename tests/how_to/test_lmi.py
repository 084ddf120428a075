"""What the how-to says of LMI, done with its examples."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from slipway.specs.document import Document
from slipway.specs.endpoint import EndpointSpec
from slipway.specs.servers import Lmi
from slipway.specs.servers.lmi_fitting import LOADING_BYTES_PER_SECOND, LOADING_SECONDS, SERVER_SECONDS
from slipway.specs.validate import validate

if TYPE_CHECKING:
    from slipway.specs.realtime import RealtimeEndpointSpec

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "lmi.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_what_is_shown_is_a_spec() -> None:
    [block] = blocks("yaml")
    spec: RealtimeEndpointSpec = validate(Document("endpoints/shown.yaml", yaml.safe_load(block)), EndpointSpec)
    assert isinstance(spec.variants[0].server, Lmi)
    assert spec.front is not None
    assert spec.front.chats


def test_figures_of_the_page_are_those_of_the_code() -> None:
    assert (LOADING_SECONDS, LOADING_BYTES_PER_SECOND, SERVER_SECONDS) == (300, 200 << 20, 120)
    assert "five minutes and a second for each 200 MiB" in PAGE
    assert "SageMaker waits two minutes longer" in PAGE


def test_chat_that_is_shown_is_read_by_the_front() -> None:
    [block] = blocks("json")
    chat = ROOT / "lambdas" / "stream" / "chat.js"
    program = (
        f"process.stdout.write(require({json.dumps(str(chat))}).read(Buffer.from({json.dumps(block)}), 'e').accept)"
    )
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "application/jsonlines"


@pytest.mark.slow
def test_examples_are_fitted_and_synthesised_by_the_real_command_line(tmp_path: Path) -> None:
    [block] = blocks("console")
    cd, fit, synth = [line.removeprefix("$ ") for line in block.splitlines()]
    path = f"{Path(sys.executable).parent}:{ROOT / 'node_modules' / '.bin'}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "VIRTUAL_ENV": str(Path(sys.executable).parents[1])}

    def run(command: str) -> str:
        words = ["bash", "-c", f"{cd} && {command}"]
        done = subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "1 x ml.p5.48xlarge = 730 instance-hours a month" in run(fit)
    run(f"{synth.replace('npx ', '')} --output {tmp_path / 'out'}")
    names = {file.name.removesuffix(".template.json") for file in (tmp_path / "out").glob("*.template.json")}
    assert {"slipway-prod-gpt-j", "slipway-prod-writer"} <= names, names
