from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from slipway.catalog import tensor_plans
from slipway.specs.servers.djl_ranks import DjlRanks
from slipway.specs.servers.lmi_image import LmiImage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.language_artifact import LockedLanguage


class DjlMpi(DjlRanks, LmiImage):
    """DJL Serving in AWS's LMI image, with a handler of ours: transformers splits the model over ranks by its own plan.

    For models that vLLM does not serve; it answers one request after the other, and LMI is faster where it serves.
    """

    what: ClassVar[str] = "djl-mpi"
    source: ClassVar[str] = "model_mpi.py"

    name: Literal["djl-mpi"]
    """Transformers on several GPUs."""
    version: Literal["0.36.0", "0.38.0"] = "0.38.0"
    """Of DJL; older images hold a transformers that is older than the plans."""
    max_model_len: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Tokens that a prompt and its answer have together at most. Default: as config.json says."""
    attn_implementation: Literal["sdpa", "eager"] | None = None
    """How attention is computed. Default: as transformers chooses."""

    def model_problems(self, artifact: Artifact, language: LockedLanguage) -> Iterator[tuple[Keys, str]]:
        """Say why transformers cannot split a model."""
        if language.architecture not in tensor_plans():
            message = f"'{language.architecture}' has no tp_plan, by which transformers would split '{artifact.model}'"
            yield (), f"{message}: use server: lmi, or an instance type of one GPU with our own server"
        most = language.facts.max_tokens
        if self.max_model_len is not None and most is not None and self.max_model_len > most:
            message = f"{self.max_model_len:,} is more than the {most:,} positions that the model has: write less"
            yield ("max_model_len",), message

    def options(self) -> dict[str, str]:
        """Return what the handler reads beside the degree and the type."""
        told = {"max_model_len": self.max_model_len, "attn_implementation": self.attn_implementation}
        return {name: str(value) for name, value in told.items() if value is not None}
