"""Language models' files: read, kept, cast, quantised, and loaded again by transformers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, MixtralConfig, MixtralForCausalLM

from model_build.checkpoint import Checkpoint, header, read_checkpoint
from model_build.language_model import continued, loaded, next_logits, tokens_of
from model_build.llm_target import for_llm
from model_build.metrics import METRICS
from model_build.passes.cast_weights import CastWeights
from model_build.passes.keep_weights import KeepWeights
from model_build.passes.package_checkpoint import PackageCheckpoint
from model_build.passes.quantize_weights import QuantizeWeights
from model_build.passes.read_checkpoint import ReadCheckpoint
from model_build.passes.verify_checkpoint import VerifyCheckpoint
from model_build.tasks import Samples
from model_build.work import Work, present
from slipway.fit import read_model
from slipway.specs import GateError, Manifest, SpecError
from tests.model_build.language import LLAMA, PROMPTS, begin, save_llama, save_tokenizer, write_llm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Work]


@pytest.fixture(scope="session")
def _llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llama")
    save_llama(folder)
    return folder


@pytest.fixture
def llama(_llama: Path, tmp_path: Path) -> Make:
    """Return the work on a copy of the tiny Llama, read."""

    def make(llm: str = "{}", **verify: Any) -> Work:
        folder = write_llm(tmp_path, llm=llm, **verify)
        shutil.copytree(_llama, folder / "weights")
        return ReadCheckpoint().run(begin(tmp_path))

    return make


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value for file in sorted(folder.glob("*.safetensors")) for name, value in load_file(file).items()}


def look(folder: Path) -> Checkpoint:
    return read_checkpoint(folder, lambda message: SpecError([_problem(message)]))


def _problem(message: str) -> Any:
    from slipway.specs import Problem

    return Problem("model.yaml", 0, "source.huggingface", message)


def test_a_folder_is_read_by_its_headers(llama: Make) -> None:
    checkpoint = present(llama().checkpoint)
    facts = checkpoint.facts
    assert len(checkpoint.shards) > 2
    assert (facts.layers, facts.attention_heads, facts.kv_heads, facts.vocab_size) == (2, 4, 2, 64)
    assert (checkpoint.dtype, facts.dtype, facts.max_tokens, checkpoint.is_quantized) == ("bf16", "bf16", 128, False)
    held = weights(checkpoint.folder)
    assert facts.parameters == sum(tensor.numel() for tensor in held.values())
    assert facts.weight_bytes == sum(tensor.nbytes for tensor in held.values()) == checkpoint.size_bytes


def test_files_that_are_kept_are_the_same_files_and_programs_stay_behind(llama: Make) -> None:
    work = llama()
    source = present(work.checkpoint).folder
    for name in ("modeling_tiny.py", "pytorch_model.bin", "training_args.bin", ".hidden.json"):
        (source / name).write_bytes(b"no")
    (source / "LICENSE").write_text("free")
    folder = present(KeepWeights().run(work).graph).folder
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "tokenizer.json", "model.safetensors.index.json", "LICENSE"} <= names
    assert not names & {"modeling_tiny.py", "pytorch_model.bin", "training_args.bin", ".hidden.json"}
    assert all((folder / shard).samefile(source / shard) for shard in present(work.checkpoint).shards)


@pytest.mark.parametrize(
    ("step", "least_agreement", "most_divergence", "size"),
    [(QuantizeWeights("fp8"), 0.999, 0.001, 0.65), (QuantizeWeights("int4", 32), 0.99, 0.01, 0.45)],
    ids=["fp8", "int4"],
)
def test_quantised_weights_are_loaded_again_and_say_nearly_the_same(
    llama: Make, step: QuantizeWeights, least_agreement: float, most_divergence: float, size: float
) -> None:
    work = llama("{precision: fp8}")
    assert step.unfit(work) is None
    theirs, ours = present(work.checkpoint).folder, present(step.run(work).graph).folder
    said, before, after = json.loads((ours / "config.json").read_text()), weights(theirs), weights(ours)
    assert said["quantization_config"]["quant_method"] == "compressed-tensors"
    assert said["quantization_config"]["ignore"] == ["lm_head"]
    kept = [name for name in before if "proj" not in name]
    assert all(torch.equal(before[name], after[name]) for name in kept)
    shrunk = sum(it.nbytes for name, it in after.items() if "proj" in name)
    assert shrunk < size * sum(it.nbytes for name, it in before.items() if "proj" in name)
    index = json.loads((ours / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"]) == set(after)
    assert all(name in header(ours / file) for name, file in index["weight_map"].items())

    tokens = tokens_of(theirs, PROMPTS, 100)
    with loaded(theirs) as model:
        texts = continued(model, tokens, 16)
        expected = next_logits(model, texts, 16)
    with loaded(ours) as model:
        answered = next_logits(model, texts, 16)
    measured = METRICS["next_token_agreement"](Samples(PROMPTS), expected, answered)
    assert measured.bound > least_agreement
    assert 1 > measured.details["kl_similarity"] >= measured.details["kl_similarity_bound"] > np.exp(-most_divergence)


def test_a_scale_that_loses_least_loses_less_than_one_that_reaches_the_largest_weight(
    llama: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model_build.passes import quantize_weights

    work, lost = llama("{precision: int4}"), []
    for clips in (quantize_weights.CLIPS, (1.0,)):
        monkeypatch.setattr(quantize_weights, "CLIPS", clips)
        with loaded(present(QuantizeWeights("int4", 32).run(work).graph).folder) as model:
            model(input_ids=torch.tensor([[1, 2, 3]]))  # unpacks
            found = model.model.layers[0].self_attn.q_proj.weight.float()
        exact = weights(present(work.checkpoint).folder)["model.layers.0.self_attn.q_proj.weight"].float()
        lost.append(float((found - exact).square().mean()))
    assert lost[0] < 0.97 * lost[1]


@pytest.mark.parametrize("step", [QuantizeWeights("fp8"), QuantizeWeights("int4", 64)], ids=str)
def test_the_same_weights_become_the_same_bytes(llama: Make, tmp_path: Path, step: QuantizeWeights) -> None:
    work = llama("{precision: fp8}")
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        step.shape(work, folder)
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two


def test_float32_is_cast_and_its_config_says_so(tmp_path: Path) -> None:
    folder = write_llm(tmp_path, llm="{precision: bf16}")
    save_llama(folder / "weights", dtype=torch.float32)
    work = ReadCheckpoint().run(begin(tmp_path))
    made = present(CastWeights("bf16").run(work).graph).folder
    assert {tensor.dtype for tensor in weights(made).values()} == {torch.bfloat16}
    assert look(made).facts.dtype == "bf16"
    assert json.loads((made / "config.json").read_text())["dtype"] == "bfloat16"
    proof = present(VerifyCheckpoint().run(CastWeights("bf16").run(work)).proof)
    assert (proof.samples, proof.value > 0.9) == (70, True)


def test_weights_that_are_in_the_type_already_are_kept(llama: Make) -> None:
    work = llama("{precision: bf16}")
    made = CastWeights("bf16").run(work)
    shard = present(work.checkpoint).shards[0]
    assert (present(made.graph).folder / shard).samefile(present(work.checkpoint).folder / shard)
    proof = present(VerifyCheckpoint().run(made).proof)
    assert (proof.value, proof.samples) == (1.0, 0)
    assert proof.details == {"files_of_the_same_bytes": float(len(present(work.checkpoint).shards))}


def test_a_value_that_fp16_cannot_hold_is_refused_by_name(llama: Make) -> None:
    work = llama("{precision: fp16}")
    checkpoint = present(work.checkpoint)
    shard = checkpoint.folder / checkpoint.tensors["model.norm.weight"].file
    save_file({**load_file(shard), "model.norm.weight": torch.full((64,), 1e5, dtype=torch.bfloat16)}, shard)
    with pytest.raises(GateError, match=r"'model.norm.weight' has values beyond 65,504"):
        CastWeights("fp16").run(work)


def test_weights_that_lost_too_much_pass_no_gate(llama: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from model_build.passes import quantize_weights

    monkeypatch.setattr(quantize_weights, "CLIPS", (0.2,))  # four fifths of each group are cut off
    work = llama("{precision: int4, group_size: 32}", metric="kl_similarity", at_least=0.99)
    with pytest.raises(GateError, match=r"kl_similarity is 0\.\d+, with 95 % confidence at least .*missed by"):
        VerifyCheckpoint().run(QuantizeWeights("int4", 32).run(work))


def test_few_prompts_prove_nothing(llama: Make) -> None:
    work = llama("{precision: fp8}")
    (work.source_folder / "prompts.txt").write_text("the boat\n\n")
    with pytest.raises(GateError, match="1 prompts to verify on, at least 32"):
        VerifyCheckpoint().run(QuantizeWeights("fp8").run(work))


def test_the_manifest_tells_facts_degrees_and_every_file(llama: Make) -> None:
    work = QuantizeWeights("int4", 32).run(llama("{precision: int4, group_size: 32}"))
    done = PackageCheckpoint().run(VerifyCheckpoint(min_samples=8).run(work))
    folder = present(done.artifact)
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    served = present(manifest.language)
    assert (served.architecture, served.precision, served.facts.quantization) == ("LlamaForCausalLM", "int4", "int4")
    assert (served.facts.group_size, served.facts.kv_heads, served.facts.dtype) == (32, 2, "bf16")
    assert {file.name: file.size_bytes for file in served.files} == {
        path.name: path.stat().st_size for path in (folder / "model").iterdir()
    }
    assert manifest.archive.size_bytes == sum(file.size_bytes for file in served.files)
    assert not list(folder.rglob("*.tar.gz"))
    assert (served.degree_on("ml.g5.12xlarge"), served.degree_on("ml.c7i.large")) == (1, None)
    facts = read_model(folder / "manifest.json")
    assert (facts.layers, facts.weight_bytes) == (2, look(folder / "model").size_bytes)


def test_a_machine_that_does_not_hold_the_model_is_refused_with_the_arithmetic(llama: Make) -> None:
    work = KeepWeights().run(llama("{instance_type: ml.g5.12xlarge}"))
    proved = VerifyCheckpoint().run(work)
    held = PackageCheckpoint().run(replace(proved, scratch=work.scratch / "held"))
    [planned] = present(
        Manifest.model_validate_json((present(held.artifact) / "manifest.json").read_bytes()).language
    ).degrees
    assert (planned.instance_type, planned.tensor_parallel_degree, planned.copies) == ("ml.g5.12xlarge", 1, 4)
    config = work.source_folder / "weights" / "config.json"
    config.unlink()  # it shares its bytes with the artifact's
    present(work.graph).file.unlink()
    present(work.graph).file.write_text(
        json.dumps(LLAMA | {"model_type": "llama", "num_hidden_layers": 8000, "max_position_embeddings": 10**7})
    )
    with pytest.raises(SpecError, match=r"'ml.g5.12xlarge' does not hold the model: degree 1 does not fit: .* MiB"):
        PackageCheckpoint().run(proved)


def test_what_cannot_be_quantised_says_why(llama: Make, tmp_path: Path) -> None:
    work = llama("{precision: fp8}")
    checkpoint = present(work.checkpoint)

    def reason(changed: Checkpoint, step: QuantizeWeights = QuantizeWeights("fp8")) -> str:  # noqa: B008  frozen
        return str(step.unfit(replace(work, checkpoint=changed)))

    twice = replace(checkpoint, config=checkpoint.config | {"quantization_config": {"quant_method": "awq"}})
    assert reason(twice) == "it is quantised already, by awq: use 'as-is'"
    assert "has rows of 64, no multiple of group_size 128" in reason(checkpoint, QuantizeWeights("int4", 128))
    renamed = {name.replace("q_proj", "query"): tensor for name, tensor in checkpoint.tensors.items()}
    assert "('model.layers.0.self_attn.q_proj.weight' is not there)" in reason(replace(checkpoint, tensors=renamed))

    torch.manual_seed(3)
    experts: Any = MixtralForCausalLM(MixtralConfig(**LLAMA, num_local_experts=2))
    experts.save_pretrained(tmp_path / "experts")
    save_tokenizer(tmp_path / "experts")
    assert "mixture of experts" in reason(look(tmp_path / "experts"))


def _without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _without_a_shard(folder: Path) -> None:
    next(folder.glob("model-00002*")).unlink()


def _not_a_number(folder: Path) -> None:
    shard = min(folder.glob("*.safetensors"))
    held = load_file(shard)
    name = min(held)
    save_file({**held, name: torch.full_like(held[name], torch.nan)}, shard)


def _index_of_another(folder: Path) -> None:
    file = folder / "model.safetensors.index.json"
    index = json.loads(file.read_text())
    file.write_text(json.dumps(index | {"weight_map": index["weight_map"] | {"lost.weight": "config.json"}}))


def _climbing(folder: Path) -> None:
    file = folder / "model.safetensors.index.json"
    index = json.loads(file.read_text())
    file.write_text(json.dumps(index | {"weight_map": {"a": "../../model.yaml"}}))


def _unknown(folder: Path) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_type": "lama"}))


def _encoder(folder: Path) -> None:
    shutil.rmtree(folder)
    module: Any = BertModel(
        BertConfig(vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    )
    module.save_pretrained(folder)
    save_tokenizer(folder)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_tokenizer, "holds no tokenizer"),
        (_without_a_shard, "model-00002-of-"),
        (_not_a_number, "holds NaN or infinity"),
        (_index_of_another, "names 'config.json', which is no safetensors file beside it"),
        (_climbing, "names '../../model.yaml', which is no"),
        (_unknown, "did you mean 'llama'?"),
        (_encoder, "is of 'bert', which generates no text"),
    ],
)
def test_a_folder_that_is_no_language_model_is_refused(
    llama: Make, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    llama()
    spoil(tmp_path / "models" / "tiny" / "weights")
    shutil.rmtree(tmp_path / "scratch-tiny")
    with pytest.raises(SpecError) as refusal:
        ReadCheckpoint().run(begin(tmp_path))
    assert said in str(refusal.value)
    assert "source.huggingface" in str(refusal.value)


def test_sequences_longer_than_the_positions_are_refused(llama: Make) -> None:
    with pytest.raises(SpecError, match=r"llm.max_model_len: 4,096 is more than the 128 positions"):
        llama("{precision: as-is, max_model_len: 4096}")


def test_the_recipe_is_what_the_spec_says(llama: Make) -> None:
    work = llama("{precision: int4}")
    assert for_llm(work.spec) == ("safetensors-int4", (QuantizeWeights("int4", 128),))
