"""Source to artifact: load, export, optimise, quantise, verify, benchmark, package.

Importing this imports neither torch nor onnx: what is built already is found by hashes alone.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # or onnxruntime starts a thread for it as soon as it is imported

from model_build.builder import build
from model_build.original import Samples, samples
from model_build.progress import Progress
from model_build.rehearsal import Rehearsal, rehearse
from model_build.results import BuildResult
from model_build.source import ImageClassifier, TensorTransform, TextEmbedder, Training
from model_build.text_generator import TextGenerator
from model_build.text_rewriter import TextRewriter

__all__ = [
    "BuildResult",
    "ImageClassifier",
    "Progress",
    "Rehearsal",
    "Samples",
    "TensorTransform",
    "TextEmbedder",
    "TextGenerator",
    "TextRewriter",
    "Training",
    "build",
    "rehearse",
    "samples",
]
