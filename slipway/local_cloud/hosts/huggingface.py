"""multi-model-server with Hugging Face's toolkit for SageMaker, as its image has them."""

from __future__ import annotations

from slipway.local_cloud.hosts.toolkit import ToolkitHost


class HuggingFaceHost(ToolkitHost):
    """Runs the real ones with the transformers of one image: its pipelines and files are not those of the others."""

    def __init__(self) -> None:
        super().__init__(
            "huggingface",
            r"(?:^|/)huggingface-pytorch-inference:2\.6\.\d+-transformers5\.5\.3-",
            "huggingface-pytorch-inference:2.6.0-transformers5.5.3…",
            "multi-model-server 1.1.11 and Hugging Face's toolkit 2.6.0, on this project's torch",
        )
