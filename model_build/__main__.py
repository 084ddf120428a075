"""``python -m model_build MODEL…``: what ``slipway build`` does, for containers that hold nothing else."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from model_build.builder import build
from model_build.job import LOAD_TIMEOUT_SECONDS
from model_build.processing_job import read_expected, require_expected, write_message, write_results
from model_build.progress import Lines
from slipway.specs import Project, SlipwayError


def main() -> int:
    """Parse, build, print one JSON document."""
    given = _parser().parse_args()
    try:
        results = _in_job(given) if given.expect is not None else _build(given, given.models or None)
    except SlipwayError as error:
        sys.stderr.write(f"{error}\n")
        if given.message is not None:
            write_message(given.message, str(error))
        return error.exit_code
    sys.stdout.write(json.dumps({"models": results}, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_build", description="Build models into artifacts.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: every model of the project")
    parser.add_argument("--project", type=Path, default=Path(), help="folder with models/; default: this one")
    parser.add_argument("--force", action="store_true", help="build again what is built already")
    parser.add_argument("--load-timeout", type=float, default=LOAD_TIMEOUT_SECONDS, metavar="SECONDS")
    job = parser.add_argument_group("in a processing job")
    job.add_argument("--expect", type=Path, metavar="FILE", help="JSON that names the one artifact to build")
    job.add_argument("--results", type=Path, metavar="FOLDER", help="where to lay it out")
    job.add_argument("--unpacked", action="store_true", help="as files, without its archive")
    job.add_argument("--message", type=Path, metavar="FILE", help="where to write why there is none")
    return parser


def _in_job(given: argparse.Namespace) -> list[object]:
    expected, project = read_expected(given.expect), Project(given.project)
    require_expected(project, expected)
    results = _build(given, [expected.name])
    write_results(project, expected, given.results, unpacked=given.unpacked)
    return results


def _build(given: argparse.Namespace, models: list[str] | None) -> list[object]:
    results = build(
        Project(given.project),
        models,
        force=given.force,
        progress=Lines(sys.stderr),
        load_timeout_seconds=given.load_timeout,
    )
    return [result.model_dump(mode="json") for result in results]


if __name__ == "__main__":
    sys.exit(main())
