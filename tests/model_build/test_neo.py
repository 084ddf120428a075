"""What SageMaker Neo is given: ONNX of 2020 that says what the original says, or a refusal that names the operator."""

from __future__ import annotations

import dataclasses
import json
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from model_build.for_neo import for_neo
from model_build.passes.compile_neo import ARCHIVE, INPUTS, OPSET, CompileNeo
from model_build.progress import Silent
from model_build.work import Work, present
from slipway.cli.cloud_optimize import CANNOT, optimize_in_cloud
from slipway.specs import Archive, GateError, HostError, Lock, LockedModel, Project

if TYPE_CHECKING:
    from collections.abc import Callable

NEO = "neo: {where: sagemaker, device: ml_c5, batch: 2, unproved: true}\n"
OLDER = {"ir": 7, "opset": OPSET}
"""What ONNX 1.7 reads."""


class Attending(torch.nn.Module):
    """A transformer's layer written in operators that there were in 2020, or not."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.words = torch.nn.Embedding(32, 8)
        self.out = torch.nn.Linear(8, 8)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        x = self.words(input_ids)
        mask = attention_mask[:, None, :].bool()
        if self.fused:
            seen = torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)
        else:
            scores = (x @ x.transpose(1, 2)) / 8**0.5
            seen = torch.softmax(scores.masked_fill(~mask, -1e9), -1) @ x
        return torch.as_tensor(self.out(seen))


class Constant(torch.nn.Module):
    """Answers otherwise where the picture is bright: a trace keeps one of the two."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        answer = torch.as_tensor(self.inner(image))
        return answer if bool(image[0, 0, 0, 0] > image[0, 0, 0, -1]) else answer * 2


def given(work: Work) -> tuple[onnx.ModelProto, dict[str, list[int]], onnxruntime.InferenceSession]:
    with tarfile.open(work.scratch / ARCHIVE) as archive:
        [name] = archive.getnames()
        file = archive.extractfile(name)
        assert file is not None
        graph = file.read()
    assert name == "model.onnx"
    shapes: dict[str, list[int]] = json.loads((work.scratch / INPUTS).read_bytes())
    return onnx.load_from_string(graph), shapes, onnxruntime.InferenceSession(graph)


def with_module(work: Work, module: torch.nn.Module) -> Work:
    original: Any = present(work.original)
    replaced = dataclasses.replace(original, module=module.eval())
    return dataclasses.replace(work, original=replaced, task=type(present(work.task))(replaced))


def test_pictures_are_said_in_the_onnx_of_2020(classifier_work: Work) -> None:
    work = CompileNeo(batch=3).run(classifier_work)
    graph, shapes, session = given(work)
    assert {"ir": graph.ir_version, "opset": graph.opset_import[0].version} == OLDER
    assert shapes == {"image": [3, 1, 8, 8]}
    onnx.checker.check_model(graph)
    original: Any = work.original
    pictures = original.held_out[5:8]
    expected = original.module(torch.from_numpy(pictures)).detach().numpy()
    assert np.allclose(session.run(None, {"image": pictures})[0], expected, atol=1e-5)


def test_texts_are_said_with_their_padding(embedder_work: Work) -> None:
    torch.manual_seed(3)
    module = Attending(fused=False)
    work = CompileNeo(batch=2, sequence_length=9).run(with_module(embedder_work, module))
    graph, shapes, session = given(work)
    assert graph.opset_import[0].version == OPSET
    assert shapes == {"input_ids": [2, 9], "attention_mask": [2, 9]}
    ids = np.arange(18, dtype=np.int64).reshape(2, 9) % 16
    mask = (np.arange(9) < [[4], [9]]).astype(np.int64)
    expected = module(torch.from_numpy(ids), torch.from_numpy(mask)).detach().numpy()
    assert np.allclose(session.run(None, {"input_ids": ids, "attention_mask": mask})[0], expected, atol=1e-5)


def test_operator_that_is_too_new_is_named(embedder_work: Work) -> None:
    with pytest.raises(GateError) as refused:
        CompileNeo(sequence_length=9).run(with_module(embedder_work, Attending(fused=True)))
    assert "Neo reads ONNX up to opset 12, which cannot say the model" in str(refused.value)
    assert "'aten::scaled_dot_product_attention'" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_module_that_a_trace_cannot_say_is_refused(classifier_work: Work) -> None:
    original: Any = present(classifier_work.original)
    with pytest.raises(GateError, match="traced for Neo in one shape, it answers otherwise than the original, by "):
        CompileNeo().run(with_module(classifier_work, Constant(original.module)))


@pytest.fixture
def asking(classifier: Callable[..., Project]) -> Project:
    """A model that is built, as the lock has it, before Neo is asked."""
    project = classifier()
    locked = LockedModel(
        digest="ab" * 32,
        sources=project.sources_hash("quarters"),
        target="cpu-int8",
        archive=Archive(sha256="cd" * 32, size_bytes=1000),
        reference_bytes=4000,
        metric="accuracy",
        value=0.98,
        recipe="none",
        benchmark=(),
    )
    project.lock_file.write_text(Lock(models={"quarters": locked}).text())
    with (project.root / "models" / "quarters" / "model.yaml").open("a") as spec:
        spec.write(NEO)
    return Project(project.root)


def test_archive_is_written_in_a_process_of_its_own(asking: Project) -> None:
    archive, shapes = for_neo(asking, "quarters", "ab" * 32, Silent())
    assert (archive.name, shapes) == ("model.tar.gz", {"image": [2, 1, 8, 8]})


def test_artifact_stays_what_it_is_and_the_local_cloud_cannot_do_the_rest(asking: Project) -> None:
    assert asking.sources_hash("quarters") == asking.lock.models["quarters"].sources
    with pytest.raises(HostError) as refused:
        optimize_in_cloud(asking, ["quarters"], "local", Silent(), here=False, detach=False)
    assert str(refused.value) == f"quarters: {CANNOT}"
    assert refused.value.exit_code == 3


def test_neo_is_called_what_it_is(asking: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Silent, "notice", lambda _self, text: said.append(text))
    monkeypatch.setattr("slipway.cli.cloud_optimize._run", lambda *_, **__: None)
    optimize_in_cloud(asking, ["quarters"], "dev", Silent(), here=False, detach=False)
    legacy = "SageMaker Neo is legacy: it reads no ONNX after 1.7 of 2020 and no PyTorch after 2.0"
    assert said == [f"quarters: {legacy}; the artifact is proved, what Neo makes of the original is not"]
