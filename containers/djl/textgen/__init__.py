"""Text generation in LMI's request schema, for handlers whose model may lie on many ranks.

Goes into the archive beside ``model.py``, and imports torch, transformers and ``djl_python`` alone. It runs in the last
DeepSpeed image too: Python 3.10, transformers 4.
"""

from .handler import Handler, Loaded
from .ranks import Ranks

__all__ = ["Handler", "Loaded", "Ranks"]
