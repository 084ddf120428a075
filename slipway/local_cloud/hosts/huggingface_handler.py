"""The handler of Hugging Face's toolkit, in the processes of multi-model-server; imports nothing of ours.

The toolkit 2.6.0, the newest on PyPI, asks transformers for a function that transformers 5 no longer has. AWS's image
with transformers 5 has a later commit of it.
"""

from __future__ import annotations

import importlib
from typing import Any

_gone: Any = importlib.import_module("transformers.file_utils")
_gone.is_tf_available = lambda: False
_Service: Any = importlib.import_module("sagemaker_huggingface_inference_toolkit.handler_service")


class Handler(_Service.HuggingFaceHandlerService):  # type: ignore[misc]
    """The toolkit's own; multi-model-server wants one class of the module that it is named."""
