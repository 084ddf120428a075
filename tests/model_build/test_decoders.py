"""Decoders: one graph reads prompts and makes tokens, and says what the original says."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from model_build import TextGenerator
from model_build.graph import Graph
from model_build.passes.benchmark import Benchmark
from model_build.passes.compress_weights import CompressWeights
from model_build.passes.convert import Convert
from model_build.passes.optimize import Optimize
from model_build.passes.quantize_dynamic import QuantizeDynamic
from model_build.passes.untie_head import UntieHead
from model_build.passes.verify import Verify
from model_build.speaking import answers
from model_build.tasks import weights_bytes
from model_build.work import ShapingPass, Work, present
from serving.model import Model
from slipway.specs import GateError, SpecError
from tests.model_build.decoders import CONTEXT, MODELS, MOST, prompts, write_decoder, write_tokenizer
from tests.model_build.speech import TEXTS, export, exported_by, shaped, tokens
from tests.serving.conftest import started

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


INT8 = (UntieHead(), Optimize(), QuantizeDynamic())


exported = exported_by(write_decoder, MODELS)


def served(work: Work, *steps: ShapingPass) -> Any:
    return Model.load(present(shaped(work, *steps).served), threads=1)


def greedy(work: Work, prompt: str, most: int) -> list[int]:
    """What transformers' own generate says, to one prompt at a time."""
    original: Any = work.original
    ids = original.tokenizer().encode(prompt).ids
    answer = original.module.generate(
        input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), do_sample=False, max_new_tokens=most
    )
    return [token for token in answer[0, len(ids) :].tolist() if token != 0]


@pytest.mark.parametrize("shape", [(1, 1, 0), (3, 7, 0), (2, 1, 9), (4, 5, 3), (1, 30, 34)])
def test_export_leaves_batch_and_lengths_free(work: Work, shape: tuple[int, ...]) -> None:
    task: Any = work.task
    feeds = task.feeds(shape)
    feeds["attention_mask"][0, : shape[2] // 2] = 0
    session = onnxruntime.InferenceSession(present(work.graph).file, providers=["CPUExecutionProvider"])
    found = session.run(None, feeds)
    with torch.inference_mode():
        wanted = task.flat(*(torch.from_numpy(tensor) for tensor in feeds.values()))
    assert found[0].shape == (shape[0], 96)
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


def test_export_says_of_its_inputs_what_the_server_reads(work: Work) -> None:
    described = present(shaped(work, Optimize()).described)
    assert [tensor.name for tensor in described.inputs[:4]] == [
        "input_ids",
        "attention_mask",
        "position_ids",
        "past_key_values.0.key",
    ]
    assert described.inputs[3].shape[2:] == ("past", 8)
    assert (described.outputs[0].name, described.outputs[0].shape) == ("logits", ("batch", 96))
    assert described.postprocess.model_dump() == {"kind": "generate", "max_new_tokens": MOST, "eos": (0,)}


@pytest.mark.parametrize("steps", [(Optimize(),), (Convert(),)], ids=["onnxruntime", "openvino"])
def test_tokens_are_the_originals(work: Work, steps: tuple[ShapingPass, ...]) -> None:
    model = served(work, *steps)
    wanted = [greedy(work, prompt, 12) for prompt in TEXTS]
    assert len({tuple(each) for each in wanted}) > 1, "or there is nothing to tell apart"
    assert tokens(model, TEXTS, max_new_tokens=12) == wanted
    assert tokens(model, TEXTS[1:3], max_new_tokens=12) == wanted[1:3]
    for prompt, each in zip(TEXTS, wanted, strict=True):
        assert tokens(model, [prompt], max_new_tokens=12) == [each]


def test_cache_says_what_reading_all_again_does(work: Work) -> None:
    model = served(work, Optimize())
    decoder = present(model.generator).decoder
    said = np.array([[5, 9, 2, 11], [3, 3, 7, 1]])
    followed = decoder.follow(model.preprocess(TEXTS[:2]), said)
    words = [
        [*prompt.split(), *(model.preprocess.tokenizer.id_to_token(token) for token in row)]
        for prompt, row in zip(TEXTS, said.tolist(), strict=False)
    ]
    for step in range(4):
        again = [" ".join(row[: len(prompt.split()) + step]) for row, prompt in zip(words, TEXTS, strict=False)]
        np.testing.assert_allclose(followed[:, step], model.predict(again), atol=1e-5)


def test_reference_is_the_original_without_a_cache(work: Work) -> None:
    original: Any = work.original
    found = original.reference(TEXTS)
    ids = original.tokenizer().encode(TEXTS[0]).ids
    with torch.inference_mode():
        whole = original.module(input_ids=torch.tensor([[*ids, *found[0].argmax(axis=1)[:-1].tolist()]])).logits
    np.testing.assert_allclose(found[0], whole[0, len(ids) - 1 :].numpy(), atol=1e-5)


def test_exact_form_says_the_same_texts(work: Work) -> None:
    proof = present(Verify().run(Optimize().run(work)).proof)
    assert (proof.metric, proof.samples) == ("kl_similarity", 120)
    assert proof.value == pytest.approx(1, abs=1e-6)
    assert proof.details["next_token_agreement"] == 1
    assert proof.details["same_text"] == 1
    assert proof.details["tokens_each"] == 16


@pytest.mark.parametrize("steps", [INT8, (CompressWeights(),)], ids=["onnxruntime", "openvino"])
def test_int8_passes_the_gate_and_says_what_it_lost(work: Work, steps: tuple[ShapingPass, ...]) -> None:
    proved = Verify().run(shaped(work, *steps))
    proof = present(proved.proof)
    assert 0.98 <= present(proof.bound) <= proof.value < 1
    assert 0.98 < proof.details["perplexity_ratio"] < 1.02
    weights = [file for file in present(proved.graph).files() if file.suffix != ".xml"]
    assert sum(file.stat().st_size for file in weights) < 0.7 * weights_bytes(present(work.original).module)


def test_head_is_quantised_once_it_is_untied(tmp_path: Path) -> None:
    table = numpy_helper.from_array(np.random.default_rng(0).standard_normal((300, 8), np.float32), "table")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["words"]),
            helper.make_node("Transpose", ["table"], ["head"], perm=[1, 0]),
            helper.make_node("MatMul", ["words", "head"], ["logits"]),
        ],
        "tied",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 300])],
        [table],
    )
    tied = Graph.of_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path)
    work: Any = SimpleNamespace(graph=tied, scratch=tmp_path)
    untied, without, both = (tmp_path / name for name in ("untied", "without", "both"))
    for folder in (untied, without, both):
        folder.mkdir()
    work.graph = UntieHead().shape(work, untied)
    assert [node.op_type for node in work.graph.as_onnx().graph.node] == ["Gather", "MatMul"]
    np.testing.assert_allclose(run(work.graph), run(tied))
    assert "MatMulInteger" in operators(QuantizeDynamic().shape(work, both))
    work.graph = tied
    assert "MatMulInteger" not in operators(QuantizeDynamic().shape(work, without))


def operators(graph: Graph) -> list[str]:
    return [node.op_type for node in graph.as_onnx().graph.node]


def run(graph: Graph) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph.file, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"ids": np.array([3, 299])})[0])


def test_verify_refuses_a_decoder_that_forgets(work: Work) -> None:
    forgetful = Optimize().run(work)
    model = present(forgetful.graph).as_onnx()
    for tensor in model.graph.initializer:
        if list(tensor.dims) == [32, 32] and tensor.data_type == 1:  # of attention, all of it
            tensor.raw_data = np.zeros((32, 32), np.float32).tobytes()
    present(forgetful.graph).file.write_bytes(model.SerializeToString())
    with pytest.raises(
        GateError, match=r"kl_similarity is 0\.\d+, with 95 % confidence at least .* is needed: missed by"
    ):
        Verify().run(forgetful)


def test_benchmark_tells_reading_and_making_apart(work: Work) -> None:
    proved = Verify().run(Optimize().run(work))
    rows = Benchmark(seconds=0.1, min_rounds=3, max_rounds=5).run(proved).benchmark
    assert [row.shape for row in rows] == ["1x8x0", "1x1x8"]
    assert all(row.ratio > 0 for row in rows)


def test_answers_that_are_timed_are_the_same(work: Work) -> None:
    laid_out = shaped(work, Optimize())
    spec = work.spec.benchmark.model_copy(update={"batch": (1, 3), "sequence_length": (8, CONTEXT - 5)})
    timed = answers(
        present(work.task),
        Model.load(present(laid_out.served), threads=1),
        work.spec.model_copy(update={"benchmark": spec}),
    )
    shapes = []
    for shape, calls, steps in timed:
        shapes.append((shape, steps))
        np.testing.assert_array_equal(calls["artifact"](), calls["original"]())
    assert shapes == [("1x8+16", 16), ("1x59+5", 5), ("3x8+16", 16), ("3x59+5", 5)]


def test_figures_of_an_answer_are_of_one_of_its_tokens() -> None:
    calls: dict[str, Callable[[], Any]] = {"original": partial(time.sleep, 0.06), "artifact": partial(time.sleep, 0.01)}
    row = Benchmark(seconds=0, min_rounds=9)._row("1x8+16", calls, 1000)  # noqa: SLF001  its arithmetic
    assert 0.01 <= row.p50_ms <= present(row.p95_ms) < 10  # where a call takes no thousand times as long as it sleeps
    assert 0.06 <= row.reference_p50_ms < 60
    assert row.ratio > 1


def test_prompt_longer_than_the_context_is_no_sample(work: Work, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("\n".join([*prompts(), "the " * (CONTEXT - 15)]))
    with pytest.raises(SpecError) as caught:
        present(work.task).samples(work.spec, tmp_path)
    assert "has 49 tokens, accepted: 1 to 48, so that 16 may follow" in str(caught.value)


def test_benchmark_longer_than_the_context_is_refused(work: Work) -> None:
    benchmark = work.spec.benchmark.model_copy(update={"sequence_length": (CONTEXT,)})
    with pytest.raises(ValueError, match="a prompt of 64 and a token after it are more than the source's context"):
        list(present(work.task).shapes(work.spec.model_copy(update={"benchmark": benchmark})))


def test_server_says_what_the_original_says(work: Work, tmp_path: Path) -> None:
    laid_out = shaped(work, Optimize())
    tokenizer = present(work.task).original.tokenizer()
    wanted = [greedy(work, prompt, 10) for prompt in TEXTS]
    with started(present(laid_out.served), tmp_path) as server:
        body = {"inputs": TEXTS, "parameters": {"max_new_tokens": 10}}
        answer = server.ask(body).document
        assert [tokenizer.encode(text).ids for text in answer["generated_text"]] == wanted
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
        connection.request("POST", "/invocations", json.dumps(body), {"Accept": "application/jsonlines"})
        lines = [json.loads(line) for line in connection.getresponse()]
        connection.close()
    assert [line["token"] for line in lines if line["index"] == 2 and "token" in line] == wanted[2]
    ends = {line["index"]: line["generated_text"] for line in lines if "generated_text" in line}
    assert [ends[index] for index in range(len(TEXTS))] == answer["generated_text"]


class Pairs(torch.nn.Module):
    """No transformers: its cache is a tuple of pairs, it takes no positions, and it computes every logit."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.words, self.out = torch.nn.Embedding(96, 16), torch.nn.Linear(16, 96)

    def forward(
        self, input_ids: Any, attention_mask: Any = None, past_key_values: Any = None, *, use_cache: bool
    ) -> Any:
        new = self.words(input_ids)[:, None]
        keys, values = (
            (new, new) if past_key_values is None else (torch.cat([old, new], 2) for old in past_key_values[0])
        )
        mask = torch.ones(keys.shape[0], keys.shape[2]) if attention_mask is None else attention_mask
        length, total = new.shape[2], keys.shape[2]
        before = torch.arange(total)[None] <= torch.arange(total - length, total)[:, None]
        scores = (new @ keys.transpose(-1, -2)).masked_fill(~(before[None, None] & mask[:, None, None].bool()), -1e9)
        logits = self.out((scores.softmax(-1) @ values)[:, 0])
        return SimpleNamespace(logits=logits, past_key_values=((keys, values),) if use_cache else None)


@pytest.mark.parametrize("exported", ["neo"], indirect=True)
def test_any_module_with_keys_and_values_is_exported(exported: Work, tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    original = TextGenerator(module=Pairs().eval(), tokenizer_file=file, context_length=CONTEXT, eos=(0,))
    task = type(present(exported.task))(original)
    work = replace(exported, scratch=tmp_path, original=original, task=task, expected=original.reference(prompts()))
    proof = present(Verify().run(Optimize().run(export(work))).proof)
    assert proof.value == pytest.approx(1, abs=1e-6)
    assert proof.details["same_text"] == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"module": torch.nn.Linear(2, 2).eval()}, "module: keeps no keys and values ("),
        ({"context_length": 17}, "context_length: 17, accepted: 18 or more"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0, accepted: 1 or more"),
        ({"max_new_tokens": 1.5}, "max_new_tokens: float, accepted: a whole number"),
        ({"eos": ()}, "eos: empty: name the token that ends a text"),
        ({"eos": (96,)}, "eos: 96, accepted: tokens that the tokenizer makes, 0 to 95"),
        ({"eos": ("</s>",)}, "eos: str, accepted: whole numbers"),
        ({"tokenizer_file": "tokenizer.json"}, "tokenizer_file: str, accepted: a pathlib.Path"),
    ],
)
def test_text_generator_refuses(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    right: dict[str, Any] = {"module": Pairs().eval(), "tokenizer_file": file, "context_length": 64, "eos": (0,)}
    with pytest.raises((TypeError, ValueError)) as caught:
        TextGenerator(**{**right, **fields})
    assert str(caught.value).startswith(message)


def test_text_generator_refuses_a_cache_of_another_kind(tmp_path: Path) -> None:
    class State(Pairs):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return SimpleNamespace(logits=super().forward(*args, **kwargs).logits, past_key_values=())

    with pytest.raises(ValueError, match="its cache is a tuple without keys and values for each layer"):
        TextGenerator(
            module=State().eval(), tokenizer_file=write_tokenizer(tmp_path / "t.json"), context_length=64, eos=(0,)
        )
