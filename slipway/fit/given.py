"""Facts about a model as people write them down: under a template's ``Metadata``, or in a manifest of ours."""

from __future__ import annotations

import json
from dataclasses import replace
from reprlib import repr as shown
from typing import TYPE_CHECKING, Any, Final

from slipway.fit.config import model_of_config
from slipway.fit.model import FACTS, Model, dtype_of, quantization_of
from slipway.specs.errors import UsageError
from slipway.specs.manifest import Manifest
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs.language_artifact import LockedLanguage, ServedLanguageModel

CONFIG: Final = "config"
WORDS: Final = {"dtype": dtype_of, "quantization": quantization_of}
MOST: Final = 1 << 60


def model_of_facts(written: Any, name: str = "the model") -> Model:
    """Return the facts of a model.

    Args:
        written: A mapping: the fields of ``Model``, or ``config`` with what config.json holds, or both, where a field
            wins.
        name: The model's, for people.

    Raises:
        UsageError: If a key or a value is none of these.
    """
    if not isinstance(written, dict):
        raise UsageError(f"{name}: is {shown(written)} and a mapping of facts is accepted")
    facts = {key: _fact(key, value, name) for key, value in written.items() if key != CONFIG}
    given = str(written.get("name", name))
    start = model_of_config(written[CONFIG], given) if CONFIG in written else Model(given)
    return replace(start, **facts)


def read_model(path: Path) -> Model:
    """Return the facts that a JSON file holds: a ``config.json``, a manifest of ours, or facts one by one.

    Raises:
        UsageError: If it is none of these.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no JSON: {error}") from None
    if isinstance(document, dict) and "model_type" in document:
        return model_of_config(document, str(document.get("_name_or_path", path)))
    if isinstance(document, dict) and "served" in document:
        return _of_manifest(document, path)
    return model_of_facts(document, str(path))


def _of_manifest(document: dict[str, Any], path: Path) -> Model:
    try:
        manifest = Manifest.model_validate_json(json.dumps(document))
    except ValueError:
        raise UsageError(f"{path}: is no manifest of this version: build the model again") from None
    if manifest.language is not None:
        return model_of_language(manifest.language, manifest.served.name)
    return Model(manifest.served.name, weight_bytes=manifest.archive.size_bytes)  # stored, not compressed


def model_of_language(served: ServedLanguageModel | LockedLanguage, name: str) -> Model:
    """Return the facts of a language model that was built; its weights count as they are stored."""
    facts = served.facts.model_dump()
    longest = served.max_model_len or facts["max_tokens"]
    return Model(**facts | {"name": name, "max_tokens": longest, "parameters": None})


def _fact(key: Any, value: Any, name: str) -> Any:
    if key not in FACTS:
        hint = did_you_mean(str(key), sorted(FACTS | {CONFIG}))
        raise UsageError(f"{name}: '{key}' is no fact about a model{hint}: {CONFIG}, {', '.join(sorted(FACTS))}")
    if key == "name":
        return str(value)
    if key in WORDS:
        found = WORDS[key](value)
        if found is None:
            raise UsageError(f"{name}: {key} is {shown(value)} and its bytes are not known")
        return found
    if type(value) is not int or not 0 <= value <= MOST:
        raise UsageError(f"{name}: {key} is {shown(value)} and a whole number is accepted")
    return value
