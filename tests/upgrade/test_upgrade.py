"""Nothing that the previous release deployed is replaced or removed, unless the CHANGELOG announces it.

``tests/upgrade/<release>/`` holds what users wrote then and the templates that they got; ``scripts/store_release.py``
puts it there.
"""

from __future__ import annotations

import json
import re
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from slipway.catalog import create_only
from tests.stacks.conftest import lock, source_root, synthesise
from tests.stacks.test_snapshots import normalise

HERE: Final = Path(__file__).parent
CHANGELOG: Final = HERE.parents[1] / "CHANGELOG.md"
PREVIOUS: Final = max(path.name for path in HERE.iterdir() if (path / "templates").is_dir())
ENVIRONMENTS: Final = ("local", "dev", "staging", "prod")
# A deployment of an API is its snapshot: a new one for each change is how API Gateway works, and takes nothing away.
BY_DESIGN: Final = frozenset({"AWS::ApiGateway::Deployment"})


class Loss(NamedTuple):
    """Something deployed that an upgrade replaces or removes."""

    stack: str
    kind: str
    logical_id: str
    why: str


def losses(stack: str, old: dict[str, Any], new: dict[str, Any]) -> list[Loss]:
    found = []
    for logical_id, before in old["Resources"].items():
        kind, after = before["Type"], new["Resources"].get(logical_id)
        if kind in BY_DESIGN:
            continue
        if after is None or after["Type"] != kind:
            found.append(Loss(stack, kind, logical_id, "removed"))
            continue
        replacing = create_only(kind)
        assert replacing is not None, f"{kind} is not in slipway/catalog/create_only.json"
        changed = [name for name in replacing if value_at(before, name) != value_at(after, name)]
        if changed:
            found.append(Loss(stack, kind, logical_id, f"replaced: {', '.join(changed)}"))
    return found


def value_at(resource: dict[str, Any], path: str) -> Any:
    value: Any = resource.get("Properties", {})
    for key in path.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def announced() -> list[tuple[str, str]]:
    """Return type and stack (``prod/shared``, wildcards allowed) of each replacement that the CHANGELOG announces."""
    unreleased = CHANGELOG.read_text(encoding="utf-8").split("\n## ")[1]
    return re.findall(r"^- `(AWS::[\w:]+)` in `([^`]+)`: \S.{20,}$", unreleased, re.MULTILINE)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Loss]:
    """What an upgrade of every environment of the previous release would lose."""
    root = tmp_path_factory.mktemp("upgrade") / "project"
    shutil.copytree(HERE / PREVIOUS, root, ignore=shutil.ignore_patterns("templates", "__pycache__"))
    lock(root)
    sources = source_root(tmp_path_factory.mktemp("sources"))
    lost = []
    for environment in ENVIRONMENTS:
        made = synthesise(root, sources, environment, root / "out" / environment)
        for file in sorted((HERE / PREVIOUS / "templates" / environment).glob("*.json")):
            new = json.loads(normalise(made[f"slipway-{environment}-{file.stem}"]))
            lost += losses(f"{environment}/{file.stem}", json.loads(file.read_text(encoding="utf-8")), new)
    return lost


def test_upgrade_replaces_only_what_the_changelog_announces(found: list[Loss]) -> None:
    surprises = [
        loss
        for loss in found
        if not any(loss.kind == kind and fnmatch(loss.stack, stack) for kind, stack in announced())
    ]
    assert surprises == []


def test_changelog_announces_no_replacement_that_does_not_happen(found: list[Loss]) -> None:
    idle = [
        (kind, stack)
        for kind, stack in announced()
        if not any(loss.kind == kind and fnmatch(loss.stack, stack) for loss in found)
    ]
    assert idle == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "new"}}, "replaced: TopicName"),
        ({"Type": "AWS::SQS::Queue"}, "removed"),
        (None, "removed"),
    ],
)
def test_loss_is_seen(changed: dict[str, Any] | None, why: str) -> None:
    old = {"Resources": {"Alarms": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "old"}}}}
    new = {"Resources": {} if changed is None else {"Alarms": changed}}
    assert losses("prod/shared", old, new) == [Loss("prod/shared", "AWS::SNS::Topic", "Alarms", why)]
