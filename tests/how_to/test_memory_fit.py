"""What the how-to says of memory is what the command prints, and what the rules read."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from slipway.fit import Model, model_of_facts
from slipway.fit.families import FAMILIES
from slipway.preflight import rules

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "memory-fit.md").read_text(encoding="utf-8")
SLIPWAY = Path(sys.executable).with_name("slipway")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


COMMANDS = [line.removeprefix("$ slipway ") for block in blocks("console") for line in block.splitlines()]


def run(command: str) -> subprocess.CompletedProcess[str]:
    words = [str(SLIPWAY), *shlex.split(command)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_first_command_prints_what_the_page_shows() -> None:
    done = run(COMMANDS[0])
    assert done.returncode == 1
    assert f"```\n{done.stdout.strip()}\n```" in TEXT


@pytest.mark.parametrize("command", COMMANDS[1:])
def test_further_commands_find_that_the_model_fits(command: str) -> None:
    done = run(command)
    assert (done.returncode, done.stderr) == (0, "")


def test_metadata_of_the_page_is_read() -> None:
    [template] = blocks("yaml")
    model = model_of_facts(yaml.safe_load(template)["Model"]["Metadata"]["slipway"]["model"])
    assert (model.name, model.parameters) == ("assistant-13b", 13_015_864_320)


def test_page_names_every_fact_and_its_rules() -> None:
    named = set(re.findall(r"[`\[](\w+)[`\]]", TEXT))
    assert {field.name for field in fields(Model)} <= named
    assert {word for word in named if re.match(r"[A-Z][a-z]", word)} <= {rule.id for rule in rules()}


def test_page_must_be_rewritten_when_families_are_added() -> None:
    assert len(FAMILIES) == 29
