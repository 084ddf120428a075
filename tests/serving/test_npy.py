from __future__ import annotations

import io
import struct
import tracemalloc
from typing import Literal

import numpy as np
import pytest

from serving import npy
from serving.errors import InputError


def written(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode()
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + data


def header(shape: str, descr: str = "'<f4'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


def saved(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<i8", "|u1", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_loads_returns_what_numpy_saved(dtype: str, order: Literal["C", "F"]) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype).copy(order=order)
    assert np.array_equal(npy.loads(saved(array)), array)


def test_dumps_writes_what_numpy_loads() -> None:
    array = np.random.default_rng(3).normal(size=(2, 5)).astype(np.float32)
    found = np.load(io.BytesIO(npy.dumps(array)), allow_pickle=False)
    assert found.dtype == np.float32
    assert np.array_equal(found, array)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "not a .npy header", id="empty"),
        pytest.param(written(header("(True,)"), b"\0" * 4), "the shape is none of up to 64 whole numbers", id="true"),
        pytest.param(written(header(f"({'1, ' * 65})"), b"\0" * 4), "the shape is none of up to 64", id="dimensions"),
        pytest.param(b"\x93NUMPY", "not a .npy header", id="cut-magic"),
        pytest.param(b"\x93NUMPY\x09\x09" + b"\0" * 64, "unknown version", id="version"),
        pytest.param(b"\x93NUMPY\x01\x00\xff\xff", "not a .npy header", id="cut-header"),
        pytest.param(written("import os"), "not a .npy header", id="code"),
        pytest.param(written("(" * 3000), "not a .npy header", id="nested"),
        pytest.param(written(header("(1,)") + " " * 5000, b"\0" * 4), "not a .npy header", id="long-header"),
        pytest.param(written(header("(10**9,)")), "not a .npy header", id="expression"),
        pytest.param(written(header("(-1, -4)"), b"\0" * 16), "the header says -1 x -4", id="negative"),
        pytest.param(written(header("(1000000000000,)"), b"\0" * 16), "16 bytes of data", id="bomb"),
        pytest.param(written(header(f"({2**62}, {2**62})"), b"\0" * 16), "16 bytes of data", id="overflowing-bomb"),
        pytest.param(written(header("(2, 2)"), b"\0" * 15), "15 bytes of data", id="cut-data"),
        pytest.param(written(header("(2, 2)"), b"\0" * 17), "17 bytes of data", id="trailing-data"),
        pytest.param(saved(np.array([{}], dtype=object)), "numbers of type object", id="pickle"),
        pytest.param(saved(np.array(["a"])), "numbers of type <U1", id="text"),
        pytest.param(written(header("(1,)", "[('a', '<f4')]"), b"\0" * 4), "numbers of type", id="structured"),
        pytest.param(written(header("(4000000000,)", "'|V0'")), "numbers of type", id="nothing-of-nothing"),
        pytest.param(written(header("(1,)", "'<c8'"), b"\0" * 8), "numbers of type complex64", id="complex"),
    ],
)
def test_loads_refuses_a_hostile_body(body: bytes, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            npy.loads(body)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert message in caught.value.message
