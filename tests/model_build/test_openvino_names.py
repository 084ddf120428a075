from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import openvino
import pytest
from openvino import opset13

from model_build.graph import Graph

if TYPE_CHECKING:
    from pathlib import Path


def model() -> openvino.Model:
    given = opset13.parameter([-1, 3], np.float32, name="x")
    product = opset13.matmul(given, opset13.constant(np.eye(3, dtype=np.float32)), False, False)  # noqa: FBT003
    answer = opset13.relu(product)
    answer.output(0).set_names({"y"})
    return openvino.Model([answer], [given], "tiny")


def written(folder: Path) -> bytes:
    folder.mkdir()
    return Graph.of_openvino(model(), folder).file.read_bytes()


@pytest.mark.parametrize("others", [1, 1000])
def test_bytes_do_not_tell_what_else_the_process_made(tmp_path: Path, others: int) -> None:
    first = written(tmp_path / "first")
    for _ in range(others):
        model()
    assert written(tmp_path / "second") == first
    assert b'name="x"' in first
