"""Whole builds for ``target: llm``, from the spec to the lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from model_build import build, samples
from model_build.going_on import ANY_PROMPTS
from slipway.specs import ANSWER_TOKENS, GateError, Manifest, Project, SpecError
from slipway.specs.artifact import find_artifact
from tests.model_build.language import LLAMA, save_llama, save_tokenizer, write_llm

SLIPWAY = Path(sys.executable).with_name("slipway")
ROOT = Path(__file__).parents[2]
NAMES = ("kept", "eight", "four")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one checkpoint, built three ways."""
    root = tmp_path_factory.mktemp("llm")
    (root / "endpoints").mkdir()
    folder = write_llm(root, "kept", "{precision: as-is, instance_type: ml.g5.12xlarge}")
    save_llama(folder / "weights")
    for name, llm in (("eight", "{precision: fp8}"), ("four", "{precision: int4, group_size: 32}")):
        spec = write_llm(root, name, llm, metric="kl_similarity", at_least=0.99) / "model.yaml"
        spec.write_text(spec.read_text().replace("huggingface: weights", "model: kept"))
    build(Project(root))
    return root


def manifest(root: Path, name: str) -> Manifest:
    project = Project(root)
    folder = project.artifact_folder(name, project.lock.models[name].digest)
    return Manifest.model_validate_json((folder / "manifest.json").read_bytes())


def test_each_way_becomes_an_artifact_of_files_in_the_lock(root: Path) -> None:
    locked = Project(root).lock.models
    assert {(it.target, it.layout, it.benchmark) for it in locked.values()} == {("llm", "prefix", ())}
    assert [locked[name].recipe for name in NAMES] == [
        "keep_weights",
        "quantize_weights(scheme=fp8, group_size=None)",
        "quantize_weights(scheme=int4, group_size=32)",
    ]
    sizes = [locked[name].archive.size_bytes for name in NAMES]
    assert sizes == sorted(sizes, reverse=True)
    assert not list((root / "artifacts").rglob("*.tar.gz"))
    kept, four = manifest(root, "kept"), manifest(root, "four")
    assert (kept.proof.value, kept.proof.samples) == (1.0, 0)
    assert (four.proof.samples, four.proof.bound is not None and four.proof.bound > 0.99) == (70, True)
    assert kept.language is not None
    assert [it.instance_type for it in kept.language.degrees] == ["ml.g5.12xlarge"]
    assert "compressed-tensors" in four.versions
    assert "onnxruntime" not in four.versions


def test_kept_files_are_the_originals_and_no_copies(root: Path) -> None:
    project = Project(root)
    folder = project.artifact_folder("kept", project.lock.models["kept"].digest) / "model"
    shards = list(folder.glob("*.safetensors"))
    assert len(shards) > 1
    assert all(it.samefile(root / "models" / "kept" / "weights" / it.name) for it in shards)


def test_artifact_is_a_folder_that_transformers_loads(root: Path) -> None:
    project = Project(root)
    for name in NAMES:
        artifact = find_artifact(name, project.lock.models[name], project.sources_hash(name), root / "artifacts" / name)
        model = AutoModelForCausalLM.from_pretrained(artifact.archive, dtype="auto", local_files_only=True)
        with torch.inference_mode():
            assert model(input_ids=torch.tensor([[2, 5, 8]])).logits[0, -1].argmax() == 11  # at the same distance


def test_a_second_build_finds_everything_and_a_changed_file_is_made_again(root: Path) -> None:
    assert not any(result.built for result in build(Project(root)))
    project = Project(root)
    folder = project.artifact_folder("eight", project.lock.models["eight"].digest) / "model"
    shard = next(folder.glob("*.safetensors"))
    before = shard.read_bytes()
    shard.unlink()
    shard.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    assert {result.name: result.built for result in build(Project(root))} == {
        "kept": False,
        "eight": True,
        "four": False,
    }
    assert shard.read_bytes() == before
    (folder / "stranger.json").write_text("{}")
    assert [result.name for result in build(Project(root)) if result.built] == ["eight"]


def test_fit_reads_what_was_built(root: Path) -> None:
    words = [str(SLIPWAY), "fit", "four", "--instance-type", "ml.g5.12xlarge"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "weights     as they are stored = 1 MiB" in done.stdout
    assert "planned     1 of 4 GPUs: 4 copies" in done.stdout


def test_what_cannot_be_done_is_said_at_its_place(tmp_path: Path) -> None:
    folder = write_llm(tmp_path, "wide", "{precision: int4}", metric="kl_similarity")
    save_llama(folder / "weights")
    with pytest.raises(SpecError, match=r"llm.precision: is not for this model: 'model.layers.0.*no multiple of"):
        build(Project(tmp_path))
    spec = folder / "model.yaml"
    spec.write_text(spec.read_text().replace("{precision: int4}", "{precision: fp8}").replace("0.5", "1"))
    with pytest.raises(GateError, match=r"wide: kl_similarity is 0.9\d+, with 95 % .* at least 1.0 is needed"):
        build(Project(tmp_path))
    assert list((tmp_path / "artifacts").iterdir()) == [tmp_path / "artifacts" / ".lock"]


MEASURE = """
import re, sys
from pathlib import Path
from types import SimpleNamespace
import torch
from model_build.checkpoint import read_checkpoint
from model_build.passes.quantize_weights import QuantizeWeights

def peak():
    # not ru_maxrss, which a child has from its parent
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

small, large, into = map(Path, sys.argv[1:4])
step = QuantizeWeights(sys.argv[4], 32 if sys.argv[4] == "int4" else None)
for folder in (small, large):  # the first takes what the libraries take
    before = peak()
    checkpoint = read_checkpoint(folder, ValueError)
    (into / folder.name).mkdir()
    step.shape(SimpleNamespace(checkpoint=checkpoint), into / folder.name)
print(peak() - before, max((large / shard).stat().st_size for shard in checkpoint.shards), checkpoint.size_bytes)
"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["fp8", "int4"])
def test_memory_grows_with_the_largest_file_and_not_with_the_model(tmp_path: Path, scheme: str) -> None:
    save_llama(tmp_path / "small")
    sizes = {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 12, "num_attention_heads": 8}
    torch.manual_seed(5)
    module: Any = LlamaForCausalLM(LlamaConfig(**LLAMA | sizes))
    module.to(torch.bfloat16).save_pretrained(tmp_path / "large", max_shard_size="25MB")
    save_tokenizer(tmp_path / "large")
    (tmp_path / "into").mkdir()
    words = [sys.executable, "-c", MEASURE, *(str(tmp_path / name) for name in ("small", "large", "into")), scheme]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}  # or threads wait for each other where cores are shared
    done = subprocess.run(words, cwd=ROOT, env=alone, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    grown, shard, whole = map(int, done.stdout.split())
    assert whole > 10 * shard
    assert grown < 7 * shard, (grown, shard, whole)  # 3 to 4 where nothing else happens


FUNCTION = """import torch

from tests.model_build.language import network, words

from model_build import TextGenerator


class Alike(torch.nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner, self.config = inner, inner.config

    def forward(self, **inputs):
        return self.inner(**inputs)


def load():
    template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    return TextGenerator(
        module=MODULE, tokenizer_file=words(), context_length=128, eos=(0,), chat_template=template
    )
"""
SPOKEN = """task: text-generation
source: {python: source.py:load}
target: llm
verify: {metric: kl_similarity, at_least: 0.9}
"""


def write_function(root: Path, module: str) -> Project:
    folder = write_llm(root, "spoken")
    (folder / "model.yaml").write_text(SPOKEN)
    (folder / "source.py").write_text(FUNCTION.replace("MODULE", module))
    (root / "endpoints").mkdir(exist_ok=True)
    return Project(root)


def test_what_a_function_returns_is_written_as_transformers_reads_it(tmp_path: Path) -> None:
    project = write_function(tmp_path, "network()")
    [result] = build(project)
    folder = project.artifact_folder("spoken", result.digest) / "model"
    said = json.loads((folder / "tokenizer_config.json").read_bytes())
    assert said["tokenizer_class"] == "PreTrainedTokenizerFast"  # transformers 4 knows no TokenizersBackend
    assert "message['content']" in said["chat_template"]
    assert json.loads((folder / "generation_config.json").read_bytes())["eos_token_id"] == 0
    found = manifest(tmp_path, "spoken").language
    assert found is not None
    assert found.example == {"inputs": ANY_PROMPTS[:1]}
    asked = samples(project, "spoken", 3)
    assert (asked.inputs[0], len(asked.inputs)) == (ANY_PROMPTS[0], 3)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    words: Any = AutoTokenizer.from_pretrained(folder)
    ids = words(ANY_PROMPTS[0], return_tensors="pt")
    said = words.decode(
        model.generate(**ids, do_sample=False, max_new_tokens=ANSWER_TOKENS)[0, ids.input_ids.shape[1] :]
    )
    assert asked.answers[0] == said != ""
    assert asked.chats is not None
    assert asked.chats.tolist() == asked.answers.tolist()  # its template adds nothing


def test_a_function_returns_a_model_of_transformers(tmp_path: Path) -> None:
    project = write_function(tmp_path, "Alike(network()).eval()")
    with pytest.raises(
        SpecError, match=r"source\.py: 1 problem\n  file  module: Alike, accepted for 'target: llm': a model of transf"
    ):
        build(project)


def test_a_model_without_prompts_or_a_chat_template_is_gone_on_with_all_the_same(root: Path) -> None:
    asked = samples(Project(root), "kept", 2)
    assert len(asked.inputs) == 2
    assert asked.answers.dtype.kind == "U"
    assert asked.chats is None
