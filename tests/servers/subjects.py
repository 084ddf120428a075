"""Each server laid out in a folder, and what ``slipway conform`` is told of it."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slipway.local_cloud.child import python_path
from slipway.local_cloud.ports import free_ports
from slipway.specs.servers import HuggingFace, TorchServe, Triton
from tests.servers.environments import environment
from tests.servers.toolkits import MACHINE, artifact, lay_out, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from slipway.specs.servers import ServerSpec

SLOW_TEXTS = 6
_TOOLKIT = ("-m", "slipway.local_cloud.hosts.toolkit_process")
LONG = " ".join(["a ship slides into the sea while a crowd watches from the other side of the harbour"] * 6)
MANY = ("first", "second")
TENSOR = {"name": "inputs", "shape": [1, 1], "datatype": "BYTES"}
PROMPTS = ("the harbour ship", "ship launch")
MPI = "engine=MPI\noption.entryPoint=model.py\noption.tensor_parallel_degree=2\noption.dtype=fp32\n"
LMI = "engine=Python\noption.rolling_batch=disable\noption.dtype=fp32\noption.max_model_len=128\n"


@dataclass(frozen=True)
class Laid:
    """A server that can be started.

    Args:
        url: Where it will listen.
        variables: It is started with.
        words: The program.
        failing: Variables of one whose model cannot be loaded.
        model: Whose own samples it is asked, and whose original judges; empty: its requests lie in files.
        more: What else the command is told.
    """

    server: str
    port: int
    words: tuple[str, ...]
    variables: Mapping[str, str]
    failing: Mapping[str, str]
    failing_words: tuple[str, ...] = ()
    model: str = ""
    more: tuple[str, ...] = field(default=())

    def asked(self) -> list[str]:
        """Return the words after ``slipway``."""
        own = ["--model", self.model] if self.model else []
        failing = (
            ["--failing-command", _started(self.failing_words or self.words, self.failing)] if self.failing else []
        )
        return [
            *("conform", f"http://127.0.0.1:{self.port}", "--server", self.server),
            *("--command", _started(self.words, self.variables)),
            *failing,
            *own,
            *self.more,
        ]


def _started(words: tuple[str, ...], variables: Mapping[str, str]) -> str:
    """Return a command with nothing of this process's environment but the way to its modules."""
    told = {"PYTHONPATH": python_path(), "SLIPWAY_BIND_HOST": "127.0.0.1", **variables}
    return " ".join(["env", *(f"{name}={value}" for name, value in told.items()), *words])


def onnxruntime(folder: Path) -> Laid:
    """Lay out our own server."""
    [port] = free_ports(1)
    for name in ("good", "bad"):
        unpack(artifact("minilm").archive, folder / name)
    (folder / "bad" / "model.xml").write_bytes(b"no model")
    slow = _write(folder / "slow.json", {"inputs": [LONG] * SLOW_TEXTS})
    return Laid(
        "onnxruntime",
        port,
        (sys.executable, "-m", "serving", "serve"),
        {"SLIPWAY_MODEL_DIR": str(folder / "good")},
        {"SLIPWAY_MODEL_DIR": str(folder / "bad")},
        model="minilm",
        more=("--slow-example", slow, "--stream", "application/jsonlines"),
    )


def onnxruntime_of_many(folder: Path) -> Laid:
    """Lay out our own server with two models, which it loads when it is told to."""
    one = onnxruntime(folder)
    for name in MANY:
        unpack(artifact("minilm").archive, folder / "models" / name / "model")
    variables = {"SAGEMAKER_MULTI_MODEL": "true", "SLIPWAY_MODEL_DIR": str(folder / "models")}
    return _with_many(one, folder, variables, {"inputs": [LONG]})


def torchserve(folder: Path) -> Laid:
    """Lay out TorchServe with SageMaker's toolkit."""
    [port] = free_ports(1)
    return _toolkit(folder, TorchServe(name="torchserve", workers=1, install=False), port)


def huggingface(folder: Path) -> Laid:
    """Lay out multi-model-server with Hugging Face's toolkit."""
    [port] = free_ports(1)
    return _toolkit(folder, HuggingFace(name="huggingface", workers=1, install=False), port)


def _toolkit(folder: Path, spec: ServerSpec, port: int) -> Laid:
    minilm = artifact("minilm")
    for name in ("good", "bad"):
        lay_out(minilm, spec, folder / name / "model")
    (folder / "bad" / "model" / "model.xml").write_bytes(b"no model")
    environment(spec.name, over_project=True)
    variables = spec.variables(minilm, MACHINE)
    words = {
        name: (*("env", f"--chdir={folder / name}", sys.executable), *_TOOLKIT, spec.name, str(port))
        for name in ("good", "bad")
    }
    slow = _write(folder / "slow.json", {"inputs": [LONG] * SLOW_TEXTS})
    more = ("--slow-example", slow)
    return Laid(spec.name, port, words["good"], variables, variables, words["bad"], "minilm", more)


def triton(folder: Path) -> Laid:
    """Lay out Triton with the ensemble that the example endpoint has."""
    [port] = free_ports(1)
    environment("triton")
    spec, minilm = Triton(max_batch=64), artifact("minilm-fp32")
    for name in ("good", "bad"):
        lay_out(minilm, spec, folder / name)
    for graph in (folder / "bad").glob("*/1/model.onnx"):
        graph.write_bytes(b"no model")
    told = {**spec.variables(minilm, MACHINE), "HOME": str(folder)}
    tensors = {"name": "inputs", "shape": [SLOW_TEXTS, 1], "datatype": "BYTES", "data": [LONG] * SLOW_TEXTS}
    slow = _write(folder / "slow.json", {"inputs": [tensors]})
    return Laid(
        "triton",
        port,
        (sys.executable, "-m", "slipway.local_cloud.hosts.triton_process", str(port)),
        {**told, "SLIPWAY_MODEL_DIR": str(folder / "good")},
        {**told, "SLIPWAY_MODEL_DIR": str(folder / "bad")},
        model="minilm-fp32",
        more=("--slow-example", slow),
    )


def triton_of_many(folder: Path) -> Laid:
    """Lay out Triton with two models at one port, which it loads when it is told to."""
    one, minilm = triton(folder), artifact("minilm-fp32")
    spec = Triton(max_batch=64)
    for name in MANY:
        lay_out(minilm, spec, folder / "models" / name / "model")
    variables = {"SAGEMAKER_MULTI_MODEL": "true", "HOME": str(folder), "SLIPWAY_MODEL_DIR": str(folder / "models")}
    return _with_many(one, folder, variables, {"inputs": [{**TENSOR, "data": [LONG]}]})


def torchserve_of_many(folder: Path) -> Laid:
    """Lay out TorchServe with two models at one port."""
    return _toolkit_of_many(folder, TorchServe(name="torchserve", workers=1, install=False))


def huggingface_of_many(folder: Path) -> Laid:
    """Lay out multi-model-server with two models at one port."""
    return _toolkit_of_many(folder, HuggingFace(name="huggingface", workers=1, install=False))


def _toolkit_of_many(folder: Path, spec: ServerSpec) -> Laid:
    [port] = free_ports(1)
    one, minilm = _toolkit(folder, spec, port), artifact("minilm")
    for name in MANY:
        lay_out(minilm, spec, folder / "models" / name / "model")
    variables = {**one.variables, **spec.variables_of_many(), "SAGEMAKER_MULTI_MODEL": "true"}
    return _with_many(one, folder, variables, {"inputs": [LONG]})


def _with_many(one: Laid, folder: Path, variables: Mapping[str, str], example: Any) -> Laid:
    """Return a server that is asked for two models, and not whether either is right: the one of one model is."""
    more = [word for name in MANY for word in ("--multi-model", f"{name}={folder / 'models' / name / 'model'}")]
    more += ["--example", _write(folder / "example.json", example)]
    return replace(one, variables=variables, failing={}, model="", more=tuple(more))


def lmi(folder: Path) -> Laid:
    """Lay out the clean-room host with what answers for LMI."""
    from tests.servers import tiny

    good = tiny.save("llama", folder / "good")
    (good / "serving.properties").write_text(LMI)
    return _djl(folder, "lmi", {})


def djl_mpi(folder: Path) -> Laid:
    """Lay it out with the handler of djl-mpi, on two ranks."""
    return _split(folder, "djl-mpi", {})


def djl_deepspeed(folder: Path) -> Laid:
    """Lay it out with DeepSpeed's, on two ranks."""
    python = environment("djl-deepspeed", over_project=True) / "bin" / "python"
    return _split(folder, "djl-deepspeed", {"SLIPWAY_DJL_PYTHON": str(python)})


def _split(folder: Path, server: str, variables: Mapping[str, str]) -> Laid:
    from tests.servers import tiny

    tiny.handled(tiny.save("llama", folder / "good"), server, MPI)
    return _djl(folder, server, variables)


def _djl(folder: Path, server: str, variables: Mapping[str, str]) -> Laid:
    shutil.copytree(folder / "good", folder / "bad")
    (folder / "bad" / "model.safetensors").write_bytes(b"no model")
    [port] = free_ports(1)
    more: list[str] = []
    for number, prompt in enumerate(PROMPTS):
        question = {"inputs": prompt, "parameters": {"max_new_tokens": 6}}
        more += ["--example", _write(folder / f"{number}.json", question)]
        more += [
            "--expect",
            _write(folder / f"{number}.answer.json", {"generated_text": _unsharded(folder / "good", prompt, 6)}),
        ]
    slow = {"inputs": [PROMPTS[0]] * 3, "parameters": {"max_new_tokens": 40}}
    streamed = {"inputs": PROMPTS[0], "parameters": {"max_new_tokens": 40}, "stream": True}
    more += ["--slow-example", _write(folder / "slow.json", slow)]
    more += ["--stream", "application/jsonlines", "--stream-example", _write(folder / "stream.json", streamed)]
    return Laid(
        server,
        port,
        (sys.executable, "-m", "slipway.local_cloud.hosts.djl"),
        {**variables, "SLIPWAY_MODEL_DIR": str(folder / "good")},
        {**variables, "SLIPWAY_MODEL_DIR": str(folder / "bad")},
        more=tuple(more),
    )


def _unsharded(folder: Path, prompt: str, steps: int) -> str:
    """Return what the model says on one rank, without the handler and without a cache."""
    from transformers import AutoTokenizer

    from tests.servers import tiny

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    said = tiny.greedy("llama", [int(token) for token in tokenizer(prompt)["input_ids"]], steps)
    return str(tokenizer.decode([token for token, _ in said]))


def _write(path: Path, document: Any) -> str:
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


SUBJECTS: dict[str, Callable[[Path], Laid]] = {
    "onnxruntime": onnxruntime,
    "torchserve": torchserve,
    "huggingface": huggingface,
    "triton": triton,
    "onnxruntime-multi-model": onnxruntime_of_many,
    "triton-multi-model": triton_of_many,
    "torchserve-multi-model": torchserve_of_many,
    "huggingface-multi-model": huggingface_of_many,
    "lmi": lmi,
    "djl-mpi": djl_mpi,
    "djl-deepspeed": djl_deepspeed,
}
