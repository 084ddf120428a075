"""Which data a model needs beside its source: a function brings pictures and tensors itself, files do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.specs.llm import check_llm_data
from slipway.specs.shrink import SHRINKING
from slipway.specs.source import TEXT_KEYS
from slipway.specs.task import TEXT_TASKS

if TYPE_CHECKING:
    from slipway.specs.base import Findings
    from slipway.specs.model import ModelSpec
    from slipway.specs.source import Source


def check_data(findings: Findings, spec: ModelSpec, source: Source) -> None:
    """Find what is wrong with a model's data.

    Args:
        findings: Gets it.
        spec: Of the model.
        source: Its own, or that of the model that owns it.
    """
    if spec.target == "llm":
        check_llm_data(findings, spec, source)
        return
    if spec.task == "transformation" and source.huggingface is not None and not source.is_code:
        findings.add(("source", "huggingface"), f"does not say how {spec.task} is done: use 'python' or 'onnx'")
    if spec.task == "text-generation":
        _check_generator(findings, spec, source)
    if source.labels is not None and spec.task != "image-classification":
        findings.add(("source", "labels"), f"{spec.task} has no classes: remove the key")
    for key in SHRINKING if not source.is_code and spec.task != "text-generation" else ():
        if getattr(spec, key) is not None:
            findings.add(
                (key,), "learns from data that a source's function returns, and files bring none: use 'python'"
            )
    if spec.task in TEXT_TASKS:
        _check_text(findings, spec)
    elif source.is_code:
        _check_none(findings, spec)
    else:
        _check_arrays(findings, spec, source)


def _check_generator(findings: Findings, spec: ModelSpec, source: Source) -> None:
    if source.onnx is not None:
        findings.add(("source", "onnx"), f"does not say how {spec.task} is done: use 'huggingface' or 'python'")
    for key in ("pooling", "normalize"):
        if getattr(source, key) is not None:
            findings.add(("source", key), f"{spec.task} makes no vectors: remove the key")


def _check_text(findings: Findings, spec: ModelSpec) -> None:
    line = "sentence" if spec.task == "sentence-embedding" else "prompt"
    if spec.verify.data is None:
        findings.add(("verify",), f"required key 'data' is missing: name a file with one {line} a line")
    for path, file in _files(spec):
        if file.endswith(".npz"):
            findings.add(path, f"'{file}' is not a text file with one {line} a line")


def _check_none(findings: Findings, spec: ModelSpec) -> None:
    if spec.calibrate is not None:
        findings.add(("calibrate",), f"{spec.task} is calibrated on the source's own data: remove the key")
    if spec.verify.data is not None:
        findings.add(("verify", "data"), f"{spec.task} is verified on the source's held-out data: remove the key")


def _check_arrays(findings: Findings, spec: ModelSpec, source: Source) -> None:
    if spec.verify.data is None:
        findings.add(("verify",), "required key 'data' is missing: name an .npz file that holds 'inputs'")
    for path, file in _files(spec):
        if not file.endswith(".npz"):
            findings.add(path, f"'{file}' is not an .npz file that holds 'inputs'")
    for key in TEXT_KEYS:
        if getattr(source, key) is not None:
            findings.add(("source", key), f"{spec.task} has no sequences: remove the key")


def _files(spec: ModelSpec) -> list[tuple[tuple[str, str], str]]:
    calibrate = None if spec.calibrate is None else spec.calibrate.data
    named = ((("verify", "data"), spec.verify.data), (("calibrate", "data"), calibrate))
    return [(path, file) for path, file in named if file is not None]
