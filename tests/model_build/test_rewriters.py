"""Encoder-decoders: a graph reads a text once, another answers it, and says what the original says."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
import torch

from model_build import TextRewriter
from model_build.consistency import consistency
from model_build.graph import Graph, encoder_folder
from model_build.passes.benchmark import Benchmark
from model_build.passes.compress_weights import CompressWeights
from model_build.passes.convert import Convert
from model_build.passes.optimize import Optimize
from model_build.passes.quantize_dynamic import QuantizeDynamic
from model_build.passes.untie_head import UntieHead
from model_build.passes.verify import Verify, refused
from model_build.work import ShapingPass, Work, present
from serving.errors import InputError
from serving.model import Model
from slipway.specs import Project
from tests.model_build.decoders import write_tokenizer
from tests.model_build.rewriters import MODELS, write_rewriter
from tests.model_build.speech import TEXTS, exported_by, greedy_rewriter, loaded, shaped, tokens

if TYPE_CHECKING:
    from pathlib import Path

exported = exported_by(write_rewriter, MODELS)


def session(graph: Graph) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(graph.file, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 9, 4), (3, 2, 4, 30)])
def test_decoder_leaves_batch_and_lengths_free(work: Work, shape: tuple[int, ...]) -> None:
    task: Any = work.task
    feeds = task.feeds(shape)
    feeds["attention_mask"][0, shape[3] // 2 + 1 :] = 0
    found = session(present(work.graph)).run(None, feeds)
    with torch.inference_mode():
        wanted = task.traceable().module(*(torch.from_numpy(tensor) for tensor in feeds.values()))
    assert found[0].shape == (shape[0], 96)
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_encoder_does_not_look_at_padding(work: Work) -> None:
    encoder = session(present(present(work.graph).encoder()))
    alone = encoder.run(None, {"input_ids": np.array([[5, 6, 7]]), "attention_mask": np.array([[1, 1, 1]])})
    padded = {"input_ids": np.array([[5, 6, 7, 0, 0], [9, 8, 7, 6, 5]])}
    padded["attention_mask"] = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    for ours, theirs in zip(encoder.run(None, padded), alone, strict=True):
        np.testing.assert_allclose(ours[:1, :, :3], theirs, atol=1e-5)


@pytest.mark.parametrize("steps", [(Optimize(),), (Convert(),)], ids=["onnxruntime", "openvino"])
def test_tokens_are_the_originals(work: Work, steps: tuple[ShapingPass, ...]) -> None:
    model = Model.load(present(shaped(work, *steps).served), threads=1)
    wanted = [greedy_rewriter(work.original, text, 12) for text in TEXTS]
    assert len({tuple(each) for each in wanted}) > 1, "or there is nothing to tell apart"
    assert tokens(model, TEXTS, max_new_tokens=12) == wanted
    for text, each in zip(TEXTS, wanted, strict=True):
        assert tokens(model, [text], max_new_tokens=12) == [each]
    assert tokens(model.with_threads(2), TEXTS[:2], max_new_tokens=12) == wanted[:2]


@pytest.mark.parametrize(
    "steps",
    [(UntieHead(), Optimize(), QuantizeDynamic()), (CompressWeights(),)],
    ids=["onnxruntime-int8", "openvino-int8-weights"],
)
def test_int8_is_of_both_graphs_and_is_measured(work: Work, steps: tuple[ShapingPass, ...]) -> None:
    small = shaped(work, *steps)
    for graph, before in (
        (present(small.graph), present(work.graph)),
        (present(present(small.graph).encoder()), present(present(work.graph).encoder())),
    ):
        weights = sum(file.stat().st_size for file in graph.files() if file.suffix != ".xml")
        assert weights < 0.8 * sum(file.stat().st_size for file in before.files())
    measured = Verify().measure(small)
    assert 0.5 < measured.bound <= measured.value < 1


def test_exact_form_is_proved_in_every_way(work: Work) -> None:
    laid_out = shaped(work, Optimize())
    measured = Verify().measure(laid_out)
    assert measured.value == pytest.approx(1, abs=1e-5)
    assert measured.details["same_text"] == 1
    alike = consistency(laid_out, partial(refused, work.spec))
    assert alike["alone_against_batched"] == pytest.approx(1, abs=1e-5)
    assert alike["asked_through_the_server"] == 0


def test_benchmark_tells_reading_and_making_apart_and_a_token_of_an_answer(work: Work) -> None:
    done = Benchmark(seconds=0.05, min_rounds=3, max_rounds=5, starts=1).run(shaped(work, Optimize()))
    assert [row.shape for row in done.benchmark] == ["1x8x0", "1x1x8"]
    assert [row.shape for row in done.per_token] == ["1x8+16"]
    assert all(row.ratio > 0 for row in (*done.benchmark, *done.per_token))
    assert present(done.server).cold_start_ms > 0


def test_reference_is_the_original_without_a_cache(work: Work) -> None:
    original: Any = work.original
    found = original.reference(TEXTS)
    ids = torch.tensor([original.tokenizer().encode(TEXTS[0]).ids])
    said = torch.tensor([[0, *found[0].argmax(axis=1)[:-1].tolist()]])
    with torch.inference_mode():
        whole = original.module(input_ids=ids, decoder_input_ids=said).logits
    np.testing.assert_allclose(found[0], whole[0].numpy(), atol=1e-4)


@pytest.mark.parametrize("exported", ["t5"], indirect=True)
def test_text_longer_than_the_context_is_refused_and_one_as_long_is_not(exported: Work, tmp_path: Path) -> None:
    model = Model.load(present(shaped(replace(exported, scratch=tmp_path), Optimize()).served), threads=1)
    generator = present(model.generator)
    assert json.loads(generator.answer([" ".join(["the"] * 32)], {"max_new_tokens": 16}))["generated_tokens"] != []
    with pytest.raises(InputError, match=r"^inputs\[0\]: 33 tokens, accepted: 1 to 32$"):
        generator.answer([" ".join(["the"] * 33)], {})


@pytest.mark.parametrize("exported", ["t5"], indirect=True)
def test_form_that_is_kept_has_both_graphs(exported: Work, tmp_path: Path) -> None:
    step = Optimize()
    step.make(exported, tmp_path)
    assert present(present(step.found(exported, tmp_path)).graph).encoder() is not None
    assert encoder_folder(tmp_path).is_dir()


@pytest.mark.parametrize("exported", ["t5"], indirect=True)
def test_folder_of_hugging_face_is_the_same_original(exported: Work, tmp_path: Path) -> None:
    folder = write_rewriter(tmp_path, "t5").root / "models" / "t5"
    module: Any = present(exported.original).module
    module.save_pretrained(folder / "weights")
    (folder / "tokenizer.json").rename(folder / "weights" / "tokenizer.json")
    text = (folder / "model.yaml").read_text()
    source = "{python: source.py:load, packages: [transformers, tokenizers]}"
    assert source in text
    (folder / "model.yaml").write_text(text.replace(source, "{huggingface: weights, max_length: 32}"))
    found: Any = loaded(Project(tmp_path), tmp_path / "scratch").original
    assert (type(found), found.start, found.eos, found.context_length) == (TextRewriter, 0, (1,), 32)
    np.testing.assert_array_equal(found.reference(TEXTS), present(exported.original).reference(TEXTS))


def test_text_rewriter_refuses(tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    with pytest.raises(ValueError, match=r"^module: is no encoder-decoder \("):
        TextRewriter(module=torch.nn.Linear(2, 2).eval(), tokenizer_file=file, context_length=9, start=0, eos=(1,))
