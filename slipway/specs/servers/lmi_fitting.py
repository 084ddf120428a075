"""Whether an LMI container can serve a language model on a machine, and over how many of its GPUs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from slipway.specs.gpu import sm_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.language_artifact import LockedLanguage
    from slipway.specs.servers.lmi_options import LmiOptions

    Misfit = tuple[Keys, str]

# Guesses, meant to be generous, not measured: weights come from the machine's disk to its GPUs at 200 MiB/s, and before
# and after that vLLM starts its processes, profiles memory and captures its graphs.
LOADING_SECONDS: Final = 300
LOADING_BYTES_PER_SECOND: Final = 200 << 20
SERVER_SECONDS: Final = 120
"""What LMI takes beside the model, so that its own time-out comes first and says why."""
MOST_SECONDS: Final = 3600
STEP_SECONDS: Final = 60
LEAST_BF16: Final = 80
MOST_BYTES: Final = 1024
"""Of a variable's value. Source: botocore, sagemaker EnvironmentMap."""
ROPE: Final = ("rope_scaling", "rope_parameters")


def misfits(options: LmiOptions, artifact: Artifact, machine: InstanceType) -> Iterator[Misfit]:
    """Yield what the model or the machine makes impossible: the key below ``server``, and why."""
    if artifact.locked.target != "llm":
        yield (), f"'lmi' serves a language model's files, and '{artifact.model}' is none: build it with 'target: llm'"
        return
    if not machine.gpus:
        yield (), f"'lmi' needs an NVIDIA GPU, and '{machine.name}' has none: use ml.g6, ml.g5 or larger"
        return
    language = artifact.locked.language
    if language is None:
        again = f"run `slipway build {artifact.model}`"
        yield (), f"the lock tells nothing of the layers of '{artifact.model}', which was built before it did: {again}"
        return
    yield from _degree(options, artifact, language, machine)
    yield from _weights(options, language, machine)
    yield from _lengths(options, language)
    yield from _times(options, artifact)
    if options.chat_template is not None and options.chat_template not in language.files:
        yield ("chat_template",), f"'{options.chat_template}' is none of the model's files: {', '.join(language.files)}"
    if artifact.locked.read_at is not None and len(json.dumps(options.hf_overrides)) > MOST_BYTES:
        message = f"is longer than the {MOST_BYTES:,} bytes of a variable, and no file can be laid beside the model's"
        yield ("hf_overrides",), message


def degree_on(options: LmiOptions, language: LockedLanguage, machine: InstanceType) -> int | None:
    """Return how many GPUs share one copy; None where the build planned none and nobody says."""
    gpus = machine.gpus or 0
    if isinstance(options.tensor_parallel_degree, int):
        return options.tensor_parallel_degree
    if options.tensor_parallel_degree == "max":
        return gpus
    planned = language.degrees.get(machine.name)
    if planned is None or not options.one_copy:
        return planned
    return max(n for n in _fine(language, gpus) if n >= planned)


def loading_seconds(options: LmiOptions, artifact: Artifact) -> int:
    """Return what the model may take to load: as was written, else as its weights' bytes let us guess."""
    return options.model_loading_timeout or min(estimated_seconds(artifact), MOST_SECONDS - SERVER_SECONDS)


def estimated_seconds(artifact: Artifact) -> int:
    """Return what loading is guessed to take, in whole minutes."""
    size = artifact.locked.archive.size_bytes
    return -(-(LOADING_SECONDS + size // LOADING_BYTES_PER_SECOND) // STEP_SECONDS) * STEP_SECONDS


def _degree(
    options: LmiOptions, artifact: Artifact, language: LockedLanguage, machine: InstanceType
) -> Iterator[Misfit]:
    key, gpus = ("tensor_parallel_degree",), machine.gpus or 0
    unproved = artifact.locked.optimized is not None and options.tensor_parallel_degree is None
    degree = None if unproved else degree_on(options, language, machine)
    if degree is None:
        yield key, _unplanned(options, artifact, machine)
    elif degree > gpus:
        yield key, f"{degree} is more than the {gpus} GPUs of '{machine.name}'"
    elif gpus % degree:
        fine = ", ".join(map(str, _fine(language, gpus)))
        yield key, f"{degree} leaves {gpus % degree} of the {gpus} GPUs of '{machine.name}' idle: use one of {fine}"
    elif degree not in _fine(language, gpus):
        fine = ", ".join(map(str, _fine(language, gpus)))
        what = f"{language.facts.attention_heads} attention heads"
        if language.facts.kv_heads != language.facts.attention_heads:
            what += f" of which {language.facts.kv_heads} hold keys"
        yield key, f"{degree} does not divide {what}: use one of {fine}"


def _unplanned(options: LmiOptions, artifact: Artifact, machine: InstanceType) -> str:
    ask = f"`slipway fit {artifact.model} --instance-type {machine.name}`"
    if artifact.locked.optimized is not None:
        return (
            f"an optimization job made '{artifact.model}', whose size nobody proved: write the degree it was made for"
        )
    if options.quantize is not None:
        return f"nothing was planned for weights in {options.quantize}: ask {ask} with --quantize, and write the degree"
    return f"no degree of '{machine.name}' holds '{artifact.model}': {ask} names the smallest type that does"


def _fine(language: LockedLanguage, gpus: int) -> list[int]:
    """Return the degrees that leave no GPU idle and divide the heads."""
    heads, keys = language.facts.attention_heads or gpus, language.facts.kv_heads or language.facts.attention_heads
    keys = keys if keys is not None and language.facts.latent_dim is None else gpus
    return [n for n in range(1, gpus + 1) if gpus % n == 0 and heads % n == 0 and (keys % n == 0 or n % keys == 0)]


def _weights(options: LmiOptions, language: LockedLanguage, machine: InstanceType) -> Iterator[Misfit]:
    already = language.facts.quantization
    if options.quantize is not None and already is not None:
        yield ("quantize",), f"the weights are {already} already, and vLLM reads how from config.json: remove the key"
    elif options.dtype == "fp32" and already is not None:
        yield ("dtype",), f"the weights are {already}, whose products vLLM computes in 16 bits: remove the key"
    if options.dtype == "bf16" and (sm_of(machine.name) or 0) < LEAST_BF16:
        yield ("dtype",), f"'{machine.name}' computes in no bf16, which begins with SM {LEAST_BF16} (ml.g5): use 'fp16'"


def _lengths(options: LmiOptions, language: LockedLanguage) -> Iterator[Misfit]:
    most, asked = language.facts.max_tokens, options.max_model_len
    scaled = any(key in (options.hf_overrides or {}) for key in ROPE)
    if asked is not None and most is not None and asked > most and not scaled:
        scale = "scale them with 'hf_overrides: {rope_scaling: …}'"
        yield (
            ("max_model_len",),
            f"{asked:,} is more than the {most:,} positions that the model has: write less, or {scale}",
        )
    if options.max_rolling_batch_prefill_tokens is not None and options.enable_chunked_prefill is False:
        longest = asked or language.longest
        if longest is not None and options.max_rolling_batch_prefill_tokens < longest:
            message = f"a prompt of {longest:,} tokens is read in one step without 'enable_chunked_prefill'"
            yield ("max_rolling_batch_prefill_tokens",), f"{message}: write at least that"


def _times(options: LmiOptions, artifact: Artifact) -> Iterator[Misfit]:
    wanted = estimated_seconds(artifact)
    if options.model_loading_timeout is not None and options.model_loading_timeout < wanted:
        key = ("model_loading_timeout",)
        yield key, f"{options.model_loading_timeout} s is less than the {wanted:,} s that loading is estimated to take"
    elif options.model_loading_timeout is None and wanted + SERVER_SECONDS > MOST_SECONDS:
        size = f"{artifact.locked.archive.size_bytes / (1 << 30):,.0f} GiB"
        yield (), f"{size} are estimated to load in {wanted:,} s, and SageMaker waits {MOST_SECONDS:,} s at the longest"
