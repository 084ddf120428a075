from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_table_says_what_the_lock_says() -> None:
    command = [sys.executable, "scripts/generate_readme_table.py", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [target for target in targets if not (ROOT / target).exists()] == []
