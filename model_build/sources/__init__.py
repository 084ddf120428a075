"""Original models from files: what ``source:`` names beside a Python function, one file for each kind.

Torch is imported when a model is read, not before.
"""

from model_build.sources.origin import Origin
from model_build.sources.reading import read, weights_folder

__all__ = ["Origin", "read", "weights_folder"]
