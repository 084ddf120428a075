from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def table_is_of(lock: Path) -> bool:
    command = [sys.executable, "scripts/generate_readme_table.py", "--check", "--project", str(lock.parent)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_table_says_what_the_lock_says(tmp_path: Path) -> None:
    """The lock that is committed, where this machine measured anew: another processor quantises to other bytes."""
    shown = subprocess.run(["git", "show", "HEAD:artifacts.lock"], cwd=ROOT, capture_output=True, check=False)
    committed = tmp_path / "artifacts.lock"
    committed.write_bytes(shown.stdout)
    assert table_is_of(ROOT / "artifacts.lock") or (shown.returncode == 0 and table_is_of(committed))


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [target for target in targets if not (ROOT / target).exists()] == []
