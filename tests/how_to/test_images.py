"""What the how-to says, done."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.catalog import end_of_life, hosting_images
from slipway.cli.images import warning

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "images.md").read_text(encoding="utf-8")
SLIPWAY = Path(sys.executable).with_name("slipway")
[CONSOLE] = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
LMI, TRITON, PYTORCH = [line.removeprefix("$ slipway ") for line in CONSOLE.splitlines()]


def slipway(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SLIPWAY, *shlex.split(command)], capture_output=True, text=True, check=False, timeout=300, cwd=ROOT
    )


def listed(command: str) -> list[dict[str, Any]]:
    done = slipway(f"{command} --format json" if "--format" not in command else command)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)["images"]
    return rows


def test_newest_lmi_is_one_image() -> None:
    [row] = listed(LMI)
    assert row["image"] == "djl-inference:0.38.0-lmi29.0.0-cu130"
    assert (row["accelerator"], row["cuda"], row["python"], row["regions"]) == ("gpu", "13.0", None, 44)


def test_region_has_its_own_names_and_lacks_some() -> None:
    here, there = listed(TRITON), listed(TRITON.replace("eu-west-1", "cn-north-1"))
    assert "763104351884.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-tritonserver:26.05-py3" in {
        row["image"] for row in here
    }
    assert all(".cn-north-1.amazonaws.com.cn/" in row["image"] for row in there)
    assert [row for row in there if "26.05" in row["image"]] == []


def test_ended_images_are_warned_of() -> None:
    ended = {row["image"]: row for row in listed(PYTORCH)}["pytorch-inference:2.6.0-cpu-py312"]
    assert (ended["end_of_life"], ended["python"]) == ("2026-06-30", "3.12")
    assert re.fullmatch(r"ended \d+ days ago", ended["warning"])


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ("2026-02-11", None),
        ("2026-02-12", None),
        ("2026-04-01", "ends in 90 days"),
        ("2026-06-30", "ends today"),
        ("2026-07-01", "ended 1 day ago"),
    ],
)
def test_warning_counts_from_today(today: str, said: str | None) -> None:
    end = end_of_life("pytorch-inference", "2.6.0-cpu-py312")
    assert warning(end, dt.date.fromisoformat(today)) == said


def test_no_end_is_no_warning() -> None:
    assert warning(None, dt.date(2099, 1, 1)) is None


def test_table_lists_every_image_and_counts_warnings() -> None:
    done = slipway("images")
    assert done.returncode == 0
    every = sum(len(images) for images in hosting_images().values())
    assert re.search(rf"\n{every} images, as of 2026-\d\d-\d\d; \d+ ended or end within 90 days", done.stdout)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "images --server djl-lim",
            "'djl-lim' is no server and no repository of AWS's images, did you mean 'djl-lmi'?",
        ),
        (
            "images --region eu-wset-1",
            "'eu-wset-1' is not a region that AWS publishes to, did you mean 'eu-west-1'?",
        ),
    ],
)
def test_refusal_is_one_line(command: str, said: str) -> None:
    done = slipway(command)
    assert (done.returncode, done.stderr) == (2, f"{said}\n")


def test_python_block_names_and_refuses() -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines() == [
        "763104351884.dkr.ecr.eu-west-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130",
        "'sagemaker-tritonserver:26.05-py3-cpu' is not published in cn-north-1: the newest there is 25.04-py3-cpu",
    ]
