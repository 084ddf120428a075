from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from slipway.catalog import runbooks

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "runbooks"
PARTS = ("**What it means.**", "**Who is affected.**", "**Look at**", "**Do**", "**The bound.**")


def test_every_alarm_has_its_page_and_every_page_its_alarm() -> None:
    assert {page.stem for page in FOLDER.glob("*.md")} - {"README"} == runbooks()


def test_every_page_says_what_somebody_who_was_woken_asks() -> None:
    for page in FOLDER.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        if page.stem != "README":
            assert [part for part in PARTS if part not in text] == [], page.name
            assert re.search(r"^1\. \w", text, re.MULTILINE), page.name


def test_links_lead_somewhere() -> None:
    for page in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (FOLDER / target).is_file(), f"{page.name}: {target}"


def test_index_is_what_the_catalogue_gives() -> None:
    command = [sys.executable, "scripts/generate_runbook_index.py", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
