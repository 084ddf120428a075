"""Pictures and tensors from an ``.npz`` beside the model, for sources that bring none themselves."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from slipway.specs import Problem, SpecError

if TYPE_CHECKING:
    from model_build.sources.origin import Origin


class Data(NamedTuple):
    """What judges the artifact, and what shows a quantiser which values occur."""

    held_out: np.ndarray
    labels: np.ndarray | None
    calibration: np.ndarray | None


def read(origin: Origin) -> Data:
    """Read ``verify.data`` and ``calibrate.data``.

    Raises:
        SpecError: If a file holds no inputs that can be used.
    """
    held_out = _arrays(origin, str(origin.spec.verify.data))
    calibrate = origin.spec.calibrate
    calibration = None if calibrate is None else _arrays(origin, calibrate.data)["inputs"]
    return Data(held_out["inputs"], held_out.get("labels"), calibration)


def _arrays(origin: Origin, name: str) -> dict[str, np.ndarray]:
    where = f"models/{origin.folder.name}/{name}"
    try:
        with np.load(origin.folder / name, allow_pickle=False) as file:
            found = dict(file)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SpecError([Problem(where, 0, "", f"is not an .npz file of numbers: {error}")]) from error
    inputs = found.get("inputs")
    if inputs is None or inputs.dtype.kind not in "fiub" or inputs.ndim == 0 or len(inputs) == 0:
        raise SpecError([Problem(where, 0, "inputs", "is missing or empty, needed: one or more inputs, numbers")])
    return {**found, "inputs": inputs.astype(np.float32)}
