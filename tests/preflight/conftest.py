"""Good templates, and bad ones: each a good one in which one thing was changed."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from slipway.preflight import read_template, rules

if TYPE_CHECKING:
    import pytest

HERE = Path(__file__).parent
GOOD = sorted((HERE / "good").glob("*.yaml"))
PUBLIC = sorted(path for path in (HERE / "public").iterdir() if path.suffix in (".yaml", ".json"))
STORED = sorted((HERE.parent / "upgrade").glob("*/templates/*/*.json"))
REGION = "eu-west-1"
KILLED: Final[Counter[str]] = Counter()
"""How many defects each rule was seen to find, in this run."""


class Defect(NamedTuple):
    """A good template with one thing changed, named after the defect."""

    name: str
    rule: str
    original: str
    good: dict[str, Any]
    template: dict[str, Any]
    region: str


class HeldOut(NamedTuple):
    """A template that somebody reported as failing, written before its author had read a rule, and what mends it."""

    name: str
    region: str
    template: dict[str, Any]
    mended: dict[str, Any]


def defects() -> list[Defect]:
    return [_defect(path) for path in sorted((HERE / "bad").glob("*.yaml"))]


def held_out() -> list[HeldOut]:
    return [_held_out(path) for path in sorted((HERE / "held_out").glob("*.yaml"))]


def _defect(path: Path) -> Defect:
    change = yaml.safe_load(path.read_text(encoding="utf-8"))
    good = read_template(HERE / "good" / f"{change['from']}.yaml")
    template = _changed(good, change["set"])
    return Defect(path.stem, change["rule"], change["from"], good, template, change.get("region", REGION))


def _held_out(path: Path) -> HeldOut:
    template = read_template(path)
    report = template["Metadata"]["HeldOut"]
    return HeldOut(path.stem, report["Region"], template, _changed(template, report["Mend"]))


def _changed(template: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(template)
    for place, value in changes.items():
        _put(changed, [int(key) if key.isdecimal() else key for key in place.split(".")], value)
    return changed


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which rule is killed by how many defects, at ``pytest -v tests/preflight``."""
    if not KILLED or terminalreporter.config.get_verbosity() < 1:
        return
    terminalreporter.write_sep("-", f"{len(rules())} rules, {KILLED.total()} defects")
    for rule in rules():
        terminalreporter.write_line(f"{rule.severity:8} {rule.id:32} {KILLED[rule.id]}")
