"""Reading a CloudFormation template as its author wrote it: JSON, or YAML with the short forms of functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import yaml

from slipway.specs.errors import Problem, SpecError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES: Final = 16 << 20
"""CloudFormation takes 1 MB; a template that is bundled for people may hold more."""

MOST_DEPTH: Final = 200
"""Deeper YAML is no template, and libyaml's composer, which recurses in C, would overflow its stack."""


def read_template(path: Path) -> dict[str, Any]:
    """Return a template.

    Args:
        path: Of a file that holds JSON or YAML, whatever its name ends in.

    Raises:
        SpecError: If it cannot be read or holds no mapping with resources.
    """
    return parse_template(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return what a template's file holds.

    Raises:
        SpecError: If it cannot be read, or is far too large to be a template.
    """
    try:
        with path.open("rb") as file:
            return decoded(file.read(MOST_BYTES + 1), str(path))
    except OSError as error:
        raise _refusal(str(path), 0, f"cannot be read: {error.strerror}") from None


def decoded(content: bytes, name: str) -> str:
    """Return a template's text.

    Args:
        content: As it was read.
        name: Of where it comes from, for refusals.

    Raises:
        SpecError: If it is too large to be a template, or no text.
    """
    if len(content) > MOST_BYTES:
        raise _refusal(name, 0, f"is larger than {MOST_BYTES >> 20} MiB: no template is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal(name, 0, "is not UTF-8 text") from None


def parse_template(text: str, name: str) -> dict[str, Any]:
    """Return the template that a text holds.

    Args:
        text: JSON or YAML.
        name: Of where it comes from, for refusals.

    Raises:
        SpecError: If it is neither, or holds no mapping with resources.
    """
    try:
        document = json.loads(text) if is_json(text) else _from_yaml(text)
    except json.JSONDecodeError as error:
        raise _refusal(name, error.lineno, f"is not JSON: {error.msg}") from None
    except yaml.MarkedYAMLError as error:
        line = 0 if error.problem_mark is None else error.problem_mark.line + 1
        raise _refusal(name, line, f"is not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _refusal(name, 0, f"is not YAML: {error}") from None
    except RecursionError:
        raise _refusal(name, 0, "is nested too deeply to be a template") from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise _refusal(name, 0, "is not a template: it has no mapping 'Resources'")
    return document


def is_json(text: str) -> bool:
    """Return whether a text is meant to be JSON."""
    return text.lstrip().startswith("{")


def _refusal(name: str, line: int, message: str) -> SpecError:
    return SpecError([Problem(name, line, "", message)])


# libyaml's loader, six times as fast as the one in Python.
class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # one of two, and both lack types
    """Knows CloudFormation's tags, and reads dates as text."""


def _from_yaml(text: str) -> Any:
    _refuse_aliases_and_depth(text)
    return yaml.load(text, Loader)  # noqa: S506  a SafeLoader with CloudFormation's tags


def _refuse_aliases_and_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader):
        if isinstance(event, yaml.AliasEvent):
            mark: Any = event.start_mark  # libyaml has marks of its own
            raise yaml.MarkedYAMLError(problem="CloudFormation takes no aliases", problem_mark=mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise RecursionError


def _function(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = None
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _function)
Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
