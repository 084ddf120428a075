"""What the how-to says, done."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from model_build import build
from slipway.specs import ModelSpec, Project
from slipway.specs.source import KINDS, Source
from tests.model_build.conftest import write_embedder
from tests.model_build.test_sources import save_bert

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "sources.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def test_every_kind_of_source_is_in_the_table() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(KINDS)


@pytest.mark.parametrize("block", BLOCKS, ids=[str(number) for number in range(len(BLOCKS))])
def test_what_is_shown_is_a_spec(block: dict[str, Any]) -> None:
    if "task" in block:
        ModelSpec.model_validate_json(yaml_as_json(block))
    else:
        Source.model_validate_json(yaml_as_json(block["source"]))


def yaml_as_json(block: Any) -> str:
    return json.dumps(block)


@pytest.mark.slow
def test_folder_and_onnx_file_are_built_as_the_page_says(tmp_path: Path) -> None:
    text = write_text_model(tmp_path)
    write_onnx_model(tmp_path)
    results = {result.name: result for result in build(Project(tmp_path))}
    assert results["tiny"].value > text["verify"]["at_least"]
    assert results["pets"].value >= 0.98  # one picture of 120 may lie on the border, where processors round apart
    assert results["pets"].reference_bytes == (tmp_path / "models/pets/model.onnx").stat().st_size


def write_text_model(root: Path) -> dict[str, Any]:
    write_embedder(root)
    folder = root / "models" / "tiny"
    save_bert(folder / "weights")
    (folder / "tokenizer.json").rename(folder / "weights" / "tokenizer.json")
    (folder / "source.py").unlink()
    block: dict[str, Any] = BLOCKS[0]
    (folder / "model.yaml").write_text(yaml.safe_dump({**block, "target": "cpu-fp32"}))
    return block


def write_onnx_model(root: Path) -> None:
    from onnx import TensorProto, helper, numpy_helper

    folder = root / "models" / "pets"
    folder.mkdir()
    weight = np.random.default_rng(2).normal(size=(12, 2)).astype(np.float32)
    taken = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 2, 2])
    given = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2])
    nodes = [helper.make_node("Flatten", ["pixels"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["scores"])]
    graph = helper.make_graph(nodes, "pets", [taken], [given], [numpy_helper.from_array(weight, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    inputs = np.random.default_rng(3).normal(size=(120, 3, 2, 2)).astype(np.float32)
    labels = (inputs.reshape(120, 12) @ weight).argmax(axis=1)
    np.savez(folder / "held-out.npz", inputs=inputs, labels=labels)
    np.savez(folder / "seen.npz", inputs=inputs[:16])
    [block] = [block for block in BLOCKS if "onnx" in block["source"]]
    (folder / "model.yaml").write_text(yaml.safe_dump({**block, "target": "cpu-int8"}))
