"""What passes made before: each form of a model, by all that it was made of."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from model_build.work import ShapingError, present
from slipway.specs import SlipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from model_build.work import FormingPass, Work

UNFINISHED = ".making-"


class Cache:
    """The forms of one model, under ``.slipway/cache/<model>/``.

    A build that was interrupted, or one with another gate, goes on from what is here.

    Args:
        folder: Where; made when the first form is kept.
        origin: What the first pass starts from: the original's files and the libraries' versions.
        on_pass: Hears which pass is at work.
    """

    def __init__(self, folder: Path, origin: Mapping[str, object], on_pass: Callable[[str], None]) -> None:
        self._folder, self._origin, self._on_pass = folder, _hash(origin), on_pass
        self._used: set[str] = set()

    def shape(self, work: Work, passes: Sequence[FormingPass]) -> Work:
        """Return the work with the form that these passes make of the original, running those that have to be."""
        key = self._origin
        for step in passes:
            key = _hash([key, step.identity()])
            self._used.add(key)
            self._on_pass(step.name)
            found = step.found(work, self._folder / key)
            work = self._made(step, work, key) if found is None else found
        return work

    def sweep(self) -> None:
        """Forget what this build did not use: it was made of what is no more."""
        with suppress(FileNotFoundError):
            for entry in self._folder.iterdir():
                if entry.name not in self._used:
                    shutil.rmtree(entry, ignore_errors=True)

    def _made(self, step: FormingPass, work: Work, key: str) -> Work:
        self._folder.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._folder))
        try:
            make(step, work, making)
            shutil.rmtree(self._folder / key, ignore_errors=True)  # half of one
            making.rename(self._folder / key)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        return present(step.found(work, self._folder / key))


def tidy(folder: Path, models: Collection[str]) -> int:
    """Forget the forms of models that are no more.

    Args:
        folder: Holds a cache for each model.
        models: Those that there are.

    Returns:
        Bytes that are left; two names of one file count once.
    """
    for entry in folder.glob("*"):
        if entry.name not in models:
            shutil.rmtree(entry, ignore_errors=True)
    files = (path.stat() for path in folder.rglob("*") if path.is_file())
    return sum({(found.st_dev, found.st_ino): found.st_size for found in files}.values())


def shaped(step: FormingPass, work: Work, into: Path) -> Work:
    """Return the work with what a pass makes of it, whose failure is the step's.

    Raises:
        ShapingError: If the library cannot do it with this model.
    """
    make(step, work, into)
    return present(step.found(work, into))


def make(step: FormingPass, work: Work, into: Path) -> None:
    """Let a pass write its form.

    Raises:
        ShapingError: If the library cannot do it with this model.
    """
    try:
        step.make(work, into)
    except (ShapingError, SlipwayError, OSError, MemoryError):
        raise
    except Exception as error:  # the libraries' own exceptions share no base
        raise ShapingError(step.name, f"{type(error).__name__}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "without a message")


def _hash(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
