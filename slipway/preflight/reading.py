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


def read_template(path: Path) -> dict[str, Any]:
    """Return a template.

    Args:
        path: Of a file that ends in ``.json``, ``.yaml``, ``.yml`` or ``.template``.

    Raises:
        SpecError: If it cannot be read or holds no mapping with resources.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refusal(path, 0, f"is larger than {MOST_BYTES >> 20} MiB: no template is")
        document = _parsed(path, path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _refusal(path, 0, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _refusal(path, 0, "is not UTF-8 text") from None
    except RecursionError:
        raise _refusal(path, 0, "is nested too deeply to be a template") from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise _refusal(path, 0, "is not a template: it has no mapping 'Resources'")
    return document


def _parsed(path: Path, text: str) -> Any:
    try:
        if text.lstrip().startswith("{"):
            return json.loads(text)
        return yaml.load(text, _Loader)  # noqa: S506  a SafeLoader with CloudFormation's tags
    except json.JSONDecodeError as error:
        raise _refusal(path, error.lineno, f"is not JSON: {error.msg}") from None
    except yaml.MarkedYAMLError as error:
        line = 0 if error.problem_mark is None else error.problem_mark.line + 1
        raise _refusal(path, line, f"is not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _refusal(path, 0, f"is not YAML: {error}") from None


def _refusal(path: Path, line: int, message: str) -> SpecError:
    return SpecError([Problem(str(path), line, "", message)])


class _Loader(yaml.SafeLoader):
    """Knows CloudFormation's tags, reads dates as text, and refuses aliases, which CloudFormation does not take."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            start = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # theirs has no types
            raise yaml.composer.ComposerError(None, None, "CloudFormation takes no aliases", start)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
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


_Loader.add_multi_constructor("!", _function)
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
