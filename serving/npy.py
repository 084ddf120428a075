"""The .npy format, read with distrust: nothing is unpickled, and nothing is allocated that a header merely claims."""

from __future__ import annotations

import io
import math
import warnings

import numpy as np
from numpy.lib import format as npy_format

from serving.errors import InputError

_MOST_HEADER = 4096
_MOST_DIMENSIONS = 64  # numpy's own limit
_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}


def loads(body: bytes) -> np.ndarray:
    """Return the array that `body` holds, without copying it.

    Raises:
        InputError: If it is not one plain array of numbers, or its length is not what its header says.
    """
    stream = io.BytesIO(body)
    shape, fortran, dtype = _header(stream)
    if dtype.kind not in "biuf":
        raise InputError(f"npy: numbers of type {dtype}, accepted: integers or floating point")
    if len(shape) > _MOST_DIMENSIONS or any(type(size) is not int for size in shape):  # numpy lets True pass for 1
        raise InputError(f"npy: the shape is none of up to {_MOST_DIMENSIONS} whole numbers")
    count, left = math.prod(shape), len(body) - stream.tell()
    if any(size < 0 for size in shape) or count * dtype.itemsize != left:
        stated = " x ".join(map(str, shape))
        raise InputError(f"npy: {left} bytes of data, the header says {stated} of {dtype.itemsize} bytes")
    flat = np.frombuffer(body, dtype, count, stream.tell())
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        reader = _READERS[npy_format.read_magic(stream)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that Python 2 wrote
            return reader(stream, max_header_size=_MOST_HEADER)
    except KeyError as error:
        raise InputError("npy: unknown version, accepted: 1.0 and 2.0") from error
    except Exception as error:  # whatever a hostile header brings its parser to
        raise InputError("npy: not a .npy header") from error


def dumps(array: np.ndarray) -> bytes:
    """Return `array` as the bytes of a .npy file."""
    stream = io.BytesIO()
    npy_format.write_array(stream, array, version=(1, 0), allow_pickle=False)
    return stream.getvalue()
