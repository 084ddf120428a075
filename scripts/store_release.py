"""Keep what a release deploys, for the test that the next one replaces nothing unannounced.

``python scripts/store_release.py VERSION``, when a version is released: copies the example specs and the snapshots of
their templates to ``tests/upgrade/VERSION/``, and drops the release before.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = {"endpoints": "endpoints", "environments": "environments", "models": "models", "tests/snapshots": "templates"}


def main(words: list[str]) -> int:
    """Store the working tree as a release; 2 if the version is not one."""
    if len(words) != 1 or re.fullmatch(r"\d+\.\d+\.\d+", words[0]) is None:
        print(f"received {' '.join(words) or 'nothing'}, expected one version, such as 0.2.0", file=sys.stderr)
        return 2
    releases = ROOT / "tests" / "upgrade"
    for stored in [path for path in releases.iterdir() if (path / "templates").is_dir()]:
        shutil.rmtree(stored)
    for source, target in FOLDERS.items():
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / source, releases / words[0] / target, ignore=ignored)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
