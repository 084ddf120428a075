"""A user's `handler.py`: what turns a request of any media type into inputs, and the model's answer into a document."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
import orjson

from serving.errors import HandlerError, InputError, ManifestError, ModelError, RequestError
from serving.negotiate import JSON

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Request:
    """What `preprocess` is given.

    Args:
        body: The request's bytes.
        content_type: Their media type, one of the handler's `ACCEPTS`.
    """

    body: bytes
    content_type: str

    def json(self) -> Any:
        """Return the body's JSON document; a body that is none is refused."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise RequestError(400, "malformed_json", f"body: {error}") from error

    def refuse(self, message: str) -> NoReturn:
        """Answer 400 with a message: it is the caller who is wrong, not the handler."""
        raise InputError(message)


class Handler:
    """The functions of one handler, called with distrust.

    Use `Handler.load`.
    """

    def __init__(self, path: Path, module: ModuleType) -> None:
        file = path.name
        self._path, self._file = path, file
        self._preprocess = _function(module, "preprocess", file)
        self._postprocess = _function(module, "postprocess", file)
        if self._preprocess is None and self._postprocess is None:
            raise ManifestError(f"handler: {file} has neither a function 'preprocess' nor 'postprocess'")
        accepts = getattr(module, "ACCEPTS", (JSON,))
        self.accepts = tuple(accepts) if isinstance(accepts, (tuple, list)) else ()  # one text would be its letters
        if self.accepts == () or not all(isinstance(media, str) and media == media.lower() for media in self.accepts):
            raise ManifestError(f"handler: ACCEPTS of {file} is not a tuple of media types in small letters")

    @classmethod
    def load(cls, folder: Path, file: str) -> Self:
        """Run the handler's file, and its `load` if it has one.

        Raises:
            ManifestError: If the file is not in the archive, or has no function that is known.
            ModelError: If it fails.
        """
        path = folder / file
        if not path.is_file() or path.resolve().parent != folder.resolve():
            raise ManifestError(f"handler: {file!r} is not a file beside the manifest")
        name = f"slipway_handler_{next(_numbers)}"  # many models, many handlers
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None  # noqa: S101  a file that is there, and ends in .py
        assert spec.loader is not None  # noqa: S101  likewise
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            begin = _function(module, "load", file)
            if begin is not None:
                begin(folder)
        except ManifestError:
            raise
        except BaseException as error:
            raise ModelError(f"{path}: {_where(error, path)}") from error
        return cls(path, module)

    @property
    def reads(self) -> bool:
        """Whether it makes the inputs."""
        return self._preprocess is not None

    @property
    def writes(self) -> bool:
        """Whether it makes the document."""
        return self._postprocess is not None

    def inputs(self, body: bytes, content_type: str) -> list[Any] | np.ndarray:
        """Return what `preprocess` makes of a request.

        Raises:
            HandlerError: If it fails, or makes something else than inputs.
            RequestError: If it refuses the request.
        """
        assert self._preprocess is not None  # noqa: S101  asked where `reads`
        inputs = self._call(self._preprocess, Request(body, content_type))
        if not isinstance(inputs, (list, np.ndarray)):
            raise HandlerError(f"{self._file}: preprocess returned {type(inputs).__name__}, accepted: list, ndarray")
        return inputs

    def document(self, outputs: np.ndarray) -> orjson.Fragment:
        """Return what `postprocess` makes of an answer, as JSON.

        Raises:
            HandlerError: If it fails, or makes something that is no JSON.
        """
        assert self._postprocess is not None  # noqa: S101  asked where `writes`
        document = self._call(self._postprocess, outputs)
        try:
            return orjson.Fragment(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))
        except TypeError as error:
            raise HandlerError(f"{self._file}: what postprocess returned is no JSON: {error}") from error

    def _call(self, function: Callable[[Any], Any], argument: object) -> Any:
        try:
            return function(argument)
        except RequestError:
            raise
        except MemoryError:
            raise
        except BaseException as error:
            raise HandlerError(_where(error, self._path)) from error


def _function(module: ModuleType, name: str, file: str) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = getattr(module, name, None)
    if found is not None and not callable(found):
        raise ManifestError(f"handler: {name!r} of {file} is no function")
    return found


def _where(error: BaseException, path: Path) -> str:
    """Return the handler's own last line of a traceback, and what happened there; this file may have the same name."""
    file, own = path.name, str(path)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{file} line {error.lineno}: {error.msg}"
    place = f"{file} line {frames[-1].lineno}, in {frames[-1].name}: " if frames else f"{file}: "
    return f"{place}{type(error).__name__}: {str(error).partition(chr(10))[0]}"
