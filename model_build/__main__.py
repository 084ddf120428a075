"""``python -m model_build MODEL…``: what ``slipway build`` does, for containers that hold nothing else."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from model_build.builder import LOAD_TIMEOUT_SECONDS, build
from model_build.progress import Lines
from slipway.specs import Project, SlipwayError


def main() -> int:
    """Parse, build, print one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m model_build", description="Build models into artifacts.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: every model of the project")
    parser.add_argument("--project", type=Path, default=Path(), help="folder with models/; default: this one")
    parser.add_argument("--force", action="store_true", help="build again what is built already")
    parser.add_argument("--load-timeout", type=float, default=LOAD_TIMEOUT_SECONDS, metavar="SECONDS")
    given = parser.parse_args()
    try:
        results = build(
            Project(given.project),
            given.models or None,
            force=given.force,
            progress=Lines(sys.stderr),
            load_timeout_seconds=given.load_timeout,
        )
    except SlipwayError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps({"models": [result.model_dump(mode="json") for result in results]}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
