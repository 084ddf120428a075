"""What the tools are measured on: every template of tests/preflight, written out as JSON, a folder for each region."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.preflight import read_template
from tests.preflight.conftest import GOOD, PUBLIC, REGION, defects, held_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One template.

    Args:
        name: Of its file; also that of its CDK stack.
        kind: ``good``, ``public``, ``bad``, ``held out`` or ``mended``, which is a held-out one put right.
        region: Where it is meant to be deployed.
        original: The good template that a bad one was made from; empty where it is itself good.
        template: As it was read.
    """

    name: str
    kind: str
    region: str
    original: str
    template: dict[str, Any]


def cases() -> list[Case]:
    """Return the whole corpus."""
    return [*_good(), *_public(), *_bad(), *_held_out()]


def write(corpus: list[Case], folder: Path) -> dict[str, Path]:
    """Write every template without its metadata, which is for our tests; the path of each by its case's name."""
    paths = {case.name: folder / case.region / f"{case.name}.json" for case in corpus}
    for case in corpus:
        paths[case.name].parent.mkdir(parents=True, exist_ok=True)
        bare = {key: value for key, value in case.template.items() if key != "Metadata"}
        paths[case.name].write_text(json.dumps(bare, indent=1), encoding="utf-8")
    return paths


def _good() -> Iterator[Case]:
    for path in GOOD:
        yield Case(f"good-{path.stem}", "good", REGION, "", read_template(path))


def _public() -> Iterator[Case]:
    for path in PUBLIC:
        template = read_template(path)
        yield Case(f"public-{path.stem}", "public", template["Metadata"]["Public"]["Region"], "", template)


def _bad() -> Iterator[Case]:
    for defect in defects():
        yield Case(f"bad-{defect.name}", "bad", defect.region, f"good-{defect.original}", defect.template)


def _held_out() -> Iterator[Case]:
    for report in held_out():
        original = f"mended-{report.name}"
        yield Case(original, "mended", report.region, "", report.mended)
        yield Case(f"held-out-{report.name}", "held out", report.region, original, report.template)
