"""Call a function of a model's folder in this process, and blame its own line for whatever it does."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from model_build.blame import DISK_FULL, Blame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_build.source import Original


def call_source(folder: Path, source: str, expected: type[Any], arguments: tuple[Path, ...] = ()) -> Original:
    """Call ``source.py:load`` in this process.

    Args:
        folder: The model's folder; the source may import its neighbours there.
        source: File and function.
        expected: What it must return.
        arguments: What it is called with.
            Default: nothing.

    Raises:
        SpecError: With file and line, whatever the source did: raise, end the process, return something else.
    """
    original = call(folder, source, arguments)
    if not isinstance(original, expected):
        file, function = source.split(":")
        received, accepted = type(original).__name__, f"model_build.{expected.__name__}"
        raise Blame(folder, file).problem(0, f"{function}() returned {received}, accepted: {accepted}")
    returned: Original = original
    return returned


def call(folder: Path, source: str, arguments: tuple[Path, ...] = ()) -> Any:
    """Call a function of the user's in this process; see ``call_source``."""
    file, function = source.split(":")
    blame = Blame(folder, file)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True  # the folder is hashed; nothing of ours may appear in it
    _seed()
    try:
        return _function(folder / file, function, blame)(*arguments)
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise  # not the source's fault, whatever it wrote or printed
        raise blame.for_error(error) from error


def _function(path: Path, name: str, blame: Blame) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location(f"slipway_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise blame.problem(0, "cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickling look a class's module up
    spec.loader.exec_module(module)
    if not callable(getattr(module, name, None)):
        raise blame.problem(0, f"has no function '{name}', which model.yaml names")
    function: Callable[..., Any] = getattr(module, name)
    return function


def _seed() -> None:
    """Make a source that forgot its seeds repeatable all the same; torch's own generator starts from a fixed seed."""
    import random

    import numpy as np

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  the legacy generator is the one that sources forget
