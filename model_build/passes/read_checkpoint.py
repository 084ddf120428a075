from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_build.checkpoint import DTYPES, read_checkpoint
from model_build.work import Pass, Work
from model_build.written import blamed, checkpoint_folder
from slipway.specs import Problem, SpecError

if TYPE_CHECKING:
    from model_build.checkpoint import Checkpoint


@dataclass(frozen=True)
class ReadCheckpoint(Pass):
    """Look through a language model's files: whole, finite, of a known family, with a tokenizer."""

    version: ClassVar[int] = 1
    name: ClassVar[str] = "read_checkpoint"

    def run(self, work: Work) -> Work:
        """Return the work with ``checkpoint``."""
        problem = blamed(work)
        checkpoint = read_checkpoint(checkpoint_folder(work), problem)
        broken = _not_finite(checkpoint)
        if broken is not None:
            raise problem(f"weight '{broken}' holds NaN or infinity: nothing can be built of it")
        _require_length(work, checkpoint)
        return replace(work, checkpoint=checkpoint)


def _not_finite(checkpoint: Checkpoint) -> str | None:
    """Return the name of a weight that holds NaN or infinity; None where none does. One weight is read at a time."""
    from safetensors import safe_open

    from model_build.sources.weights import is_finite

    for shard in checkpoint.shards:
        with safe_open(checkpoint.folder / shard, "pt") as file:
            for name in file.keys():  # noqa: SIM118  no mapping
                if checkpoint.tensors[name].dtype in DTYPES and not is_finite(file.get_tensor(name)):
                    return str(name)
    return None


def _require_length(work: Work, checkpoint: Checkpoint) -> None:
    """Refuse sequences that are longer than the model has positions: vLLM does not start with them."""
    wanted = None if work.spec.llm is None else work.spec.llm.max_model_len
    most = checkpoint.facts.max_tokens
    if wanted is not None and most is not None and wanted > most:
        said = f"{wanted:,} is more than the {most:,} positions that config.json gives the model"
        raise SpecError([Problem(f"models/{work.name}/model.yaml", 0, "llm.max_model_len", said)])
