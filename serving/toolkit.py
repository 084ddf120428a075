"""The functions that SageMaker's inference toolkits call in images with PyTorch: answered as our own server does.

The archive's `code/inference.py` takes them from here; the toolkit runs in TorchServe's or multi-model-server's
workers, each a process that answers one request at a time.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path

from serving import log, manifest, negotiate, settings
from serving.engine import Ask, Engine
from serving.errors import RequestError

RENAMED = "slipway.json"
"""What `manifest.json` is called in the archive: multi-model-server takes any file of that name, however deep, for its
own."""

NO_STREAM = f"this server cannot stream, {negotiate.JSON} or {negotiate.NPY} it can send"


def model_fn(model_dir: str, context: object = None) -> Engine:  # noqa: ARG001  one toolkit gives it, one does not
    """Load the model and let it answer its example; what it raises is why the worker does not start.

    Args:
        model_dir: The unpacked archive.
        context: Of the model server.
    """
    chosen = settings.read(os.environ)
    log.configure(chosen.log_level)
    engine = Engine(max_batch=chosen.max_batch)
    engine.load(_folder(Path(model_dir)), chosen.threads)
    log.write("info", "loaded", **engine.facts)
    return engine


def transform_fn(engine: Engine, body: str | bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer one request.

    Args:
        engine: What `model_fn` returned.
        body: As it was sent; the toolkits decode text.
        content_type: Its media type.
        accept: What the caller takes.

    Returns:
        The answer and its media type.
    """
    try:
        return _answer(engine, body, content_type, accept)
    except RequestError as error:
        raise _refusal(error) from None


def transform_body(engine: Engine, body: str | bytes, content_type: str, accept: str) -> bytes:
    """Do the same for Hugging Face's toolkit, which writes `accept` as the answer's type and 400 for any error."""
    return _answer(engine, body, content_type, accept)[0]


def _answer(engine: Engine, body: str | bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    received = negotiate.request_type((content_type or "").encode("latin-1"), engine.accepts)
    wanted = _answer_type(accept)
    sent = body.encode() if isinstance(body, str) else bytes(body)
    return engine.answer(Ask(sent, received, wanted), alone=True).body, wanted


def _folder(model_dir: Path) -> Path:
    """Return a folder in which each file has the name that it was built with."""
    folder = Path(tempfile.mkdtemp(prefix="model-"))
    for path in model_dir.iterdir():
        (folder / (manifest.FILE if path.name == RENAMED else path.name)).symlink_to(path)
    return folder


def _answer_type(accept: str) -> str:
    wanted = negotiate.answer_type((accept or "").encode("latin-1"))
    if wanted == negotiate.LINES:
        raise RequestError(406, "not_acceptable", NO_STREAM)
    return wanted


def _refusal(error: RequestError) -> Exception:
    """Return what the toolkit for PyTorch makes an answer with a status of."""
    errors = importlib.import_module("sagemaker_inference.errors")  # there in the worker's process alone
    refusal: Exception = errors.BaseInferenceToolkitError(error.status, error.message, error.code)
    return refusal
