"""What the how-to says, done in a project of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from slipway.specs import Manifest, ModelSpec, Project
from slipway.specs.llm import CALIBRATED, WeightPrecision

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "build-a-language-model.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def run(command: str | list[str], cwd: Path) -> str:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    words = ["bash", "-c", command] if isinstance(command, str) else command
    environment = {"PATH": path, "HOME": str(cwd), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_precision_is_in_the_table() -> None:
    named = re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)))
    assert set(get_args(WeightPrecision)) - set(CALIBRATED) == set(named) - {"precision"}
    assert all(f"`{name}`" in PAGE for name in CALIBRATED)


def test_what_is_shown_is_a_spec() -> None:
    [block] = blocks("yaml")
    assert ModelSpec.model_validate_json(json.dumps(yaml.safe_load(block))).llm is not None


@pytest.mark.slow
def test_the_page_is_followed_from_a_checkpoint_to_an_artifact(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "counter"
    folder.mkdir(parents=True)
    (tmp_path / "endpoints").mkdir()
    (folder / "model.yaml").write_text(blocks("yaml")[0])
    run([sys.executable, "-c", blocks("python")[0]], tmp_path)
    commands = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]
    build, fit, listing = commands
    run(build, tmp_path)
    assert "planned     1 of 4 GPUs: 4 copies" in run(fit, tmp_path)
    project = Project(tmp_path)
    locked = project.lock.models["counter"]
    assert run(listing, tmp_path).split()[0] == locked.archive.sha256
    manifest = project.artifact_folder("counter", locked.digest) / "manifest.json"
    language = Manifest.model_validate_json(manifest.read_bytes()).language
    assert language is not None
    assert (language.precision, language.max_model_len, len(language.degrees)) == ("fp8", 128, 1)
    assert locked.bound is not None
    assert locked.bound >= 0.98
