"""A model's settings, as DJL Serving reads them: ``serving.properties`` first, then the environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LINE: Final = re.compile(r"^\s*([^#!\s=:][^=:\s]*)\s*[=:]\s*(.*?)\s*$")
_MOUNT: Final = "/opt/ml/model"
# Source: docs.djl.ai, LMI configurations: variables that have names of their own.
_ALIASES: Final = {
    "HF_MODEL_ID": "option.model_id",
    "HF_REVISION": "option.revision",
    "HF_TRUST_REMOTE_CODE": "option.trust_remote_code",
    "HF_TASK": "option.task",
    "TENSOR_PARALLEL_DEGREE": "option.tensor_parallel_degree",
    "MAX_BATCH_DELAY": "max_batch_delay",
    "BATCH_SIZE": "batch_size",
    "JOB_QUEUE_SIZE": "job_queue_size",
    "SERVING_JOB_QUEUE_SIZE": "job_queue_size",
}
_SERVER: Final = frozenset({"engine", "job_queue_size", "retry_threshold"})
_FREE: Final = frozenset(
    {"log_request_metric", "metrics_aggregation", "load_on_devices", "max_idle_time", "max_batch_delay"}
)
_ENGINES: Final = frozenset({"Python", "MPI", "DeepSpeed"})
_ONE: Final = ("batch_size", "minWorkers", "maxWorkers", "gpu.minWorkers", "gpu.maxWorkers")
# Options of the built-in handler: those that it reads, and those that make LMI faster and its answers no others.
_READ: Final = frozenset(
    {"model_id", "entrypoint", "tensor_parallel_degree", "dtype", "max_model_len", "predict_timeout"}
)
_READ_TOO: Final = frozenset(
    {"model_loading_timeout", "trust_remote_code", "task", "quantize", "rolling_batch", "async_mode"}
)
_FASTER: Final = frozenset(
    {
        "pipeline_parallel_degree",
        "max_rolling_batch_size",
        "gpu_memory_utilization",
        "enable_prefix_caching",
        "enable_chunked_prefill",
        "enforce_eager",
        "max_num_batched_tokens",
        "max_num_seqs",
        "max_rolling_batch_prefill_tokens",
        "swap_space",
        "cpu_offload_gb",
        "block_size",
        "device_map",
        "use_v2_block_manager",
        "max_seq_len_to_capture",
        "disable_custom_all_reduce",
        "load_format",
        "mpi_mode",
        "async_scheduling",
        "disable_log_stats",
        "disable_log_requests",
        "served_model_name",
        "parallel_loading",
        "distributed_executor_backend",
        "data_parallel_size",
    }
)


class SettingsError(Exception):
    """Settings that this host cannot follow; one line for each."""


@dataclass(frozen=True)
class Settings:
    """How a model is served.

    Args:
        folder: Holds its files.
        entry_point: The handler's file; None: the built-in one answers, as LMI would.
        ranks: How many processes hold the model.
        properties: What a handler is given.
        loading_seconds: How long a model may load.
        predict_seconds: How long one request may take.
        queue: How many requests may wait.
        retries: How often ranks are started anew after they died.
        ignored: Options that have no effect here.
    """

    folder: Path
    entry_point: Path | None
    ranks: int
    properties: dict[str, str]
    loading_seconds: float
    predict_seconds: float
    queue: int
    retries: int
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path, environment: Mapping[str, str]) -> Settings:
        """Read a model's settings.

        Args:
            folder: Holds its files, and ``serving.properties`` where it has one.
            environment: Of the container.

        Raises:
            SettingsError: With everything that is not modelled.
        """
        said = _environment(environment) | _file(folder / "serving.properties")
        options = {name.removeprefix("option.").lower(): it for name, it in said.items() if name.startswith("option.")}
        own = _own_handler(folder, options)
        problems = [*_server_problems(said), *(() if own else _built_in_problems(options))]
        model_id = options.get("model_id", _MOUNT)
        place = folder if model_id == _MOUNT else Path(model_id.replace(f"{_MOUNT}/", f"{folder}/", 1))
        if not place.is_dir():
            problems.append(f"option.model_id: '{model_id}' is no folder of the container, and nothing is fetched here")
        if problems:
            raise SettingsError("\n".join(problems))
        written = {_spelling(name): it for name, it in said.items()}
        properties = {**written, "model_id": str(place), "model_dir": str(folder)}
        number = _Number(said, options)
        ignored = () if own else tuple(sorted(f"option.{name}" for name in options.keys() & _FASTER))
        return cls(
            folder,
            own,
            _ranks(options) if own else 1,
            properties,
            number("model_loading_timeout", 1800),
            number("predict_timeout", 120),
            int(number("job_queue_size", 1000)),
            int(number("retry_threshold", 10)),
            ignored,
        )


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    found = {f"option.{name[7:].lower()}": it for name, it in environment.items() if name.startswith("OPTION_")}
    return found | {key: environment[name] for name, key in _ALIASES.items() if name in environment}


def _file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {match[1]: match[2] for line in lines if (match := _LINE.match(line))}
    wrong = [
        line for line in lines if line.strip() and not line.lstrip().startswith(("#", "!")) and not _LINE.match(line)
    ]
    if wrong:
        raise SettingsError(f"serving.properties: '{wrong[0]}' is no key with a value")
    # An option has one name, however its letters are written, so that the file wins over the environment.
    return {f"option.{key[7:].lower()}" if key.startswith("option.") else key: value for key, value in found.items()}


def _own_handler(folder: Path, options: Mapping[str, str]) -> Path | None:
    entry = options.get("entrypoint")
    if entry is None:
        return folder / "model.py" if (folder / "model.py").is_file() else None
    if entry.startswith("djl_python"):
        return None
    if not (folder / entry).is_file():
        raise SettingsError(f"option.entryPoint: '{entry}' is not in the archive")
    return folder / entry


def _server_problems(said: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(said.items()):
        if name.startswith("option."):
            continue
        if name in _ONE:
            if value not in ("1", ""):
                yield f"{name}: '{value}' is not modelled here, 1 is"
        elif name not in _SERVER | _FREE:
            yield f"{name}: is not modelled here"
    if (engine := said.get("engine", "Python")) not in _ENGINES:
        yield f"engine: '{engine}' is not modelled here: {', '.join(sorted(_ENGINES))} are"


def _built_in_problems(options: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(options.keys() - _READ - _READ_TOO - _FASTER):
        yield f"option.{name}: is not modelled here: it would change answers, and transformers stands in for vLLM"
    if options.get("trust_remote_code", "false").lower() == "true":
        yield "option.trust_remote_code: programs of a checkpoint are not run here"
    if options.get("quantize", "compressed-tensors") not in ("compressed-tensors", "compressed_tensors", "none"):
        yield f"option.quantize: '{options['quantize']}' is not modelled here: what the files hold already is"
    if options.get("task", "text-generation") not in ("text-generation", "auto", "generate"):
        yield f"option.task: '{options['task']}' is not modelled here: text-generation is"


def _ranks(options: Mapping[str, str]) -> int:
    word = options.get("tensor_parallel_degree", "1")
    if not re.fullmatch(r"[1-9]\d?", word):
        raise SettingsError(f"option.tensor_parallel_degree: '{word}' is not a number: there is no GPU to count here")
    return int(word)


@dataclass(frozen=True)
class _Number:
    """Reads numbers from either kind of key."""

    said: Mapping[str, str]
    options: Mapping[str, str]

    def __call__(self, name: str, absent: float) -> float:
        word = self.options.get(name, self.said.get(name))
        if word is None:
            return absent
        if not re.fullmatch(r"\d{1,7}(\.\d{1,3})?", word):
            raise SettingsError(f"{name}: '{word}' is not a number")
        return float(word)


def _spelling(name: str) -> str:
    """Return a key as a handler finds it."""
    name = name.removeprefix("option.")
    return "entryPoint" if name == "entrypoint" else name
