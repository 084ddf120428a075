"""Tiny projects whose models are seeded, so small that a build is quick, and real in every other respect."""

from __future__ import annotations

import dataclasses
import json
import shutil
import warnings
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from model_build.gpu_targets import BEFORE_ATTENTION
from model_build.passes.export import Export
from model_build.passes.load import Load
from model_build.work import Work, present
from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORDS = ("the", "red", "blue", "small", "boat", "car", "goes", "stops", "fast", "slowly", "here", "there", "now", "?")

EMBEDDER = """
from pathlib import Path

import numpy as np
import torch
from model_build import TextEmbedder
from tokenizers import Tokenizer
from torch import nn

torch.manual_seed(7)
WIDTH, HEADS = 32, 2


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(32, WIDTH)
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.norm = nn.LayerNorm(WIDTH)

    def heads(self, x):
        return x.view(x.shape[0], x.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)

    def forward(self, input_ids, attention_mask):
        x = self.words(input_ids)
        mask = attention_mask[:, None, None, :].bool()
        q, k, v = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        y = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        y = y.transpose(1, 2).reshape(x.shape[0], x.shape[1], WIDTH)
        return self.norm(self.out(y) + x)


def load():
    module = Tiny().eval()
    file = Path(__file__).parent / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.enable_padding()

    def reference(texts):
        found = tokenizer.encode_batch(texts)
        ids = torch.tensor([one.ids for one in found])
        mask = torch.tensor([one.attention_mask for one in found])
        with torch.inference_mode():
            tokens = module(input_ids=ids, attention_mask=mask)
            pooled = (tokens * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
            return nn.functional.normalize(pooled).numpy()

    return TextEmbedder(module=module, tokenizer_file=file, max_length=24, reference=reference)
"""

CLASSIFIER = '''
import numpy as np
import torch
from model_build import ImageClassifier
from torch import nn


def load():
    """Tell which quarter of a picture is bright."""
    conv, linear = nn.Conv2d(1, 1, 1), nn.Linear(4, 4)
    with torch.no_grad():
        conv.weight.fill_(1), conv.bias.fill_(0), linear.weight.copy_(torch.eye(4) * 9), linear.bias.fill_(0)
    module = nn.Sequential(conv, nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), linear).eval()
    random = np.random.default_rng(3)
    truth = random.integers(0, 4, 160)
    images = random.random((160, 1, 8, 8), dtype=np.float32) * 0.3
    for image, quarter in zip(images, truth, strict=True):
        row, column = divmod(quarter, 2)
        image[0, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] += 0.6
    return ImageClassifier(
        module=module, labels=("a", "b", "c", "d"), image_shape=(1, 8, 8),
        calibration=images[:40], held_out=images[40:], held_out_labels=truth[40:],
    )
'''

TEXT_SPEC = """task: sentence-embedding
source: {{python: source.py:load, packages: [tokenizers]}}
target: {target}
verify: {{data: sentences.txt, metric: cosine_similarity, at_least: {at_least}}}
benchmark: {{batch: [1], sequence_length: [8]}}
{more}"""

IMAGE_SPEC = """task: image-classification
source: {{python: source.py:load}}
target: {target}
verify: {{metric: accuracy, at_least: {at_least}}}
benchmark: {{batch: [1, 3]}}
"""


SCALER = """import numpy as np
import torch
from torch import nn

from model_build import TensorTransform


def load():
    module = nn.Conv2d(1, 1, 2, stride=2, bias=False)
    nn.init.constant_(module.weight, 0.25)
    held_out = np.random.default_rng(3).random((120, 1, 6, 4), dtype=np.float32)
    return TensorTransform(module=module.eval(), input_shape=(1, 6, 4), held_out=held_out)
"""

TRANSFORMATION_SPEC = """task: transformation
source: {{python: source.py:load}}
target: cpu-fp32
verify: {{metric: r_squared, at_least: {at_least}}}
benchmark: {{batch: [1, 3]}}
"""


def write_scaler(root: Path, source: str = SCALER, *, at_least: float = 0.9999) -> None:
    folder = root / "models" / "halver"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.py").write_text(source)
    (folder / "model.yaml").write_text(TRANSFORMATION_SPEC.format(at_least=at_least))


def write_embedder(
    root: Path, source: str = EMBEDDER, *, target: str = "cpu-int8", at_least: float = 0.98, more: str = ""
) -> None:
    folder = root / "models" / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: number for number, word in enumerate(("[PAD]", "[UNK]", *WORDS))}
    tokenizer = {
        "version": "1.0",
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
        "added_tokens": [],
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    sentences = [" ".join(words) for words in product(*(WORDS[at : at + 2] for at in (0, 1, 3, 4, 6, 8, 10)))]
    (folder / "sentences.txt").write_text("\n".join(sentences))
    (folder / "calibration.txt").write_text("\n".join(f"{sentence} now" for sentence in sentences[::8]))
    (folder / "source.py").write_text(source)
    (folder / "model.yaml").write_text(TEXT_SPEC.format(target=target, at_least=at_least, more=more))


def write_classifier(root: Path, source: str = CLASSIFIER, *, target: str = "cpu-int8", at_least: float = 0.97) -> None:
    folder = root / "models" / "quarters"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.py").write_text(source)
    (folder / "model.yaml").write_text(IMAGE_SPEC.format(target=target, at_least=at_least))


@pytest.fixture
def embedder(tmp_path: Path) -> Callable[..., Project]:
    def make(*args: Any, **kwargs: Any) -> Project:
        write_embedder(tmp_path, *args, **kwargs)
        return Project(tmp_path)

    return make


@pytest.fixture
def scaler(tmp_path: Path) -> Callable[..., Project]:
    def make(*args: Any, **kwargs: Any) -> Project:
        write_scaler(tmp_path, *args, **kwargs)
        return Project(tmp_path)

    return make


@pytest.fixture
def embedder_source() -> str:
    return EMBEDDER


@pytest.fixture
def classifier_source() -> str:
    return CLASSIFIER


@pytest.fixture
def classifier(tmp_path: Path) -> Callable[..., Project]:
    def make(*args: Any, **kwargs: Any) -> Project:
        write_classifier(tmp_path, *args, **kwargs)
        return Project(tmp_path)

    return make


@pytest.fixture(scope="session")
def _built(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    from model_build import build

    def fill(root: Path) -> None:
        write_embedder(root)
        write_classifier(root)
        build(Project(root))

    return once("built", fill)


@pytest.fixture
def built(_built: Path, tmp_path: Path) -> Project:
    """A copy of a project whose two models are built."""
    shutil.copytree(_built, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)


def load(root: Path, scratch: Path) -> Work:
    project = Project(root)
    (name,) = project.models
    scratch.mkdir()
    return Load().run(Work.begin(project, name, scratch))


def export(work: Work, opset: int = Export.opset) -> Work:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns about torch
        return Export(opset).run(work)


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[Project], Work]:
    """Load the one model of a project in this process."""
    return lambda project: load(project.root, tmp_path / "scratch")


@pytest.fixture(name="export")
def _export() -> Callable[[Work], Work]:
    return export


@pytest.fixture(scope="session")
def _exported_embedder(tmp_path_factory: pytest.TempPathFactory) -> Work:
    root = tmp_path_factory.mktemp("embedder")
    write_embedder(root)
    return export(load(root, root / "scratch"))


@pytest.fixture(scope="session")
def _exported_classifier(tmp_path_factory: pytest.TempPathFactory) -> Work:
    root = tmp_path_factory.mktemp("classifier")
    write_classifier(root)
    return export(load(root, root / "scratch"))


@pytest.fixture
def embedder_work(_exported_embedder: Work, tmp_path: Path) -> Work:
    """The tiny embedder, exported; its graph may be changed."""
    return own(_exported_embedder, tmp_path)


@pytest.fixture
def classifier_work(_exported_classifier: Work, tmp_path: Path) -> Work:
    """The tiny classifier, exported; its graph may be changed."""
    return own(_exported_classifier, tmp_path)


@pytest.fixture(scope="session")
def _gpu_embedder(tmp_path_factory: pytest.TempPathFactory) -> Work:
    root = tmp_path_factory.mktemp("gpu-embedder")
    write_embedder(root)
    return export(load(root, root / "scratch"), BEFORE_ATTENTION)


@pytest.fixture(scope="session")
def _gpu_classifier(tmp_path_factory: pytest.TempPathFactory) -> Work:
    root = tmp_path_factory.mktemp("gpu-classifier")
    write_classifier(root)
    return export(load(root, root / "scratch"), BEFORE_ATTENTION)


@pytest.fixture
def gpu_embedder_work(_gpu_embedder: Work, tmp_path: Path) -> Work:
    """The tiny embedder, exported as for a GPU; its graph may be changed."""
    return own(_gpu_embedder, tmp_path)


@pytest.fixture
def gpu_classifier_work(_gpu_classifier: Work, tmp_path: Path) -> Work:
    """The tiny classifier, exported as for a GPU; its graph may be changed."""
    return own(_gpu_classifier, tmp_path)


def own(work: Work, folder: Path) -> Work:
    graph = present(work.graph)
    shutil.copytree(graph.folder, folder / "exported")
    return dataclasses.replace(work, scratch=folder, graph=dataclasses.replace(graph, folder=folder / "exported"))


@pytest.fixture
def work(exported: Work, tmp_path: Path) -> Work:
    """The module's ``exported`` model, with a scratch folder of its own."""
    return dataclasses.replace(exported, scratch=tmp_path)
