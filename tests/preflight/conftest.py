"""Good templates, and bad ones: each a good one in which one thing was changed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from slipway.preflight import read_template

HERE = Path(__file__).parent
GOOD = sorted((HERE / "good").glob("*.yaml"))
STORED = sorted((HERE.parent / "upgrade").glob("*/templates/*/*.json"))
REGION = "eu-west-1"


class Defect(NamedTuple):
    """A good template with one thing changed, named after the defect."""

    name: str
    rule: str
    template: dict[str, Any]
    region: str = REGION


def defects() -> list[Defect]:
    return [_defect(path) for path in sorted((HERE / "bad").glob("*.yaml"))]


def _defect(path: Path) -> Defect:
    change = yaml.safe_load(path.read_text(encoding="utf-8"))
    template = copy.deepcopy(read_template(HERE / "good" / f"{change['from']}.yaml"))
    for place, value in change["set"].items():
        _put(template, [int(key) if key.isdecimal() else key for key in place.split(".")], value)
    return Defect(path.stem, change["rule"], template, change.get("region", REGION))


def _put(holder: Any, path: list[str | int], value: Any) -> None:
    """Set a value; None removes it, and an index past the end appends."""
    for key in path[:-1]:
        holder = holder[key]
    if value is None:
        del holder[path[-1]]
    elif isinstance(holder, list) and path[-1] == len(holder):
        holder.append(value)
    else:
        holder[path[-1]] = value
