"""Smaller networks in the original's place: pruned, taught, and never shown what judges them."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from model_build import ImageClassifier, TensorTransform, Training
from model_build.channels import UnprunableError, flops, take_out
from model_build.lessons import lessons_of
from model_build.module import read, write
from model_build.passes.distill import Distill
from model_build.passes.prune import Prune
from model_build.student import with_student
from model_build.targets import recipes
from model_build.tasks.image_classification import ImageClassification
from model_build.tasks.transformation import Transformation
from model_build.teaching import NotLearnedError, Plan, teach
from model_build.work import ShapingError, Work, present
from slipway.specs import Distill as DistillSpec
from slipway.specs import ModelSpec, SpecError
from slipway.specs import Prune as PruneSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.specs import Project

SHAPE = (2, 8, 8)
CLASSES = 4


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """More than one only wait for each other at these sizes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Residual(nn.Module):
    """Sums, batch normalisation, a depthwise convolution and a layer norm: all that ties channels together."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 16, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(16)
        self.first = nn.Conv2d(16, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, 16, 3, padding=1)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.down = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.hidden = nn.Linear(32 * 16, 32)
        self.hidden_norm = nn.LayerNorm(32)
        self.out = nn.Linear(32, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem_norm(self.stem(images)).relu()
        x = (x + self.second(self.norm(self.first(x)).relu())).relu()
        x = self.down(self.depthwise(x)).relu().flatten(1)
        return self.out(self.hidden_norm(self.hidden(x).relu()))  # type: ignore[no-any-return]


class Stubborn(nn.Module):
    """Reshapes to a number of channels that is written in its code."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(2, 16, 3, padding=1)
        self.out = nn.Linear(16, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.out(self.wide(images).reshape(-1, 16, 64).mean(2))  # type: ignore[no-any-return]


def student() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, CLASSES))


def classifier(module: nn.Module, *, labels: np.ndarray | None = None, count: int = 96) -> ImageClassifier:
    inputs = np.random.default_rng(3).standard_normal((count + 120, *SHAPE), dtype=np.float32)
    return ImageClassifier(
        module=module.eval(),
        labels=("a", "b", "c", "d"),
        image_shape=SHAPE,
        calibration=inputs[:20],
        held_out=inputs[count:],
        held_out_labels=np.zeros(120, int),
        training=Training(inputs=inputs[:count], labels=labels),
    )


SPEC: dict[str, Any] = {
    "task": "image-classification",
    "source": {"python": "source.py:load"},
    "target": "cpu",
    "verify": {"metric": "accuracy", "at_least": 0.9},
}
PRUNING = PruneSpec(flops=0.4, epochs=3)
TEACHING = DistillSpec(student="student.py:student", epochs=12)


def work(tmp_path: Path, original: Any = None, **more: Any) -> Work:
    torch.manual_seed(1)
    original = original or classifier(Residual())
    task = ImageClassification if isinstance(original, ImageClassifier) else Transformation
    return Work(
        name="small",
        digest="0" * 64,
        spec=ModelSpec.model_validate({**SPEC, **more}),
        source_folder=tmp_path / "models" / "small",
        source="source.py:load",
        scratch=tmp_path / "scratch",
        versions={},
        original=original,
        task=task(original),
    )


def pruned(before: Work, **options: Any) -> nn.Module:
    return present(Prune(**{**PRUNING.model_dump(), **options}).run(before).module)


def distilled(before: Work, seed: int = 0, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    given = replace(before, student=student().eval())
    return present(Distill(**{**TEACHING.model_dump(), "seed": seed, **options}).run(given).module)


def images(batch: int = 3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).standard_normal((batch, *SHAPE), dtype=np.float32))


def weights(module: nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize("share", [0.6, 0.3, 0.1])
def test_pruned_network_computes_no_more_than_its_share_and_is_whole(tmp_path: Path, share: float) -> None:
    before = work(tmp_path)
    whole = present(before.original).module
    module: Any = pruned(before, flops=share, epochs=1)
    assert flops(module, (images(),)) <= share * flops(whole, (images(),))
    assert sum(each.numel() for each in module.parameters()) < sum(each.numel() for each in whole.parameters())
    assert module(images(5)).shape == (5, CLASSES)
    widths = {module.stem.out_channels, module.second.out_channels, module.depthwise.groups, module.down.in_channels}
    assert widths == {module.stem_norm.num_features}
    assert module.first.out_channels == module.norm.num_features == module.second.in_channels
    assert module.hidden.in_features == module.down.out_channels * 16
    assert module.out.out_features == CLASSES


def test_pruning_leaves_the_original_as_it_was(tmp_path: Path) -> None:
    before = work(tmp_path)
    was = weights(present(before.original).module)
    pruned(before)
    assert weights(present(before.original).module) == was


def test_weakest_channels_go_first() -> None:
    first, last = nn.Conv2d(2, 8, 1), nn.Linear(8 * 64, CLASSES)
    module = nn.Sequential(first, nn.ReLU(), nn.Flatten(), last).eval()
    strong = [1, 3, 4, 6]
    with torch.no_grad():
        for channel in set(range(8)) - set(strong):
            first.weight[channel] *= 1e-3
            last.weight[:, channel * 64 : channel * 64 + 64] *= 1e-3
    kept = first.weight[strong].clone()
    take_out(module, ImageClassification(classifier(module)), share=0.5, multiple=1)
    assert torch.equal(first.weight, kept)


def test_layer_that_cannot_lose_channels_is_named(tmp_path: Path) -> None:
    before = work(tmp_path, classifier(Stubborn()))
    with pytest.raises(ShapingError) as refusal:
        pruned(before, flops=0.5)
    assert refusal.value.reason.startswith(
        "1.000 of the multiplications stay at least, 0.5 may; these layers keep all channels: "
        "wide: the network's own code asks for as many as there are (shape '[-1, 16, 64]' is invalid for input of size"
    )
    assert refusal.value.reason.endswith("; out: they are what is answered")


def test_layers_that_can_are_pruned_beside_one_that_cannot(tmp_path: Path) -> None:
    class Both(Stubborn):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, CLASSES))  # type: ignore[assignment]

    module: Any = pruned(work(tmp_path, classifier(Both())), flops=0.95)
    assert module.wide.out_channels == 16
    assert module.out[0].out_features == module.out[2].in_features < 64


def test_channels_of_an_answer_without_a_last_layer_stay() -> None:
    module = nn.Sequential(nn.Conv2d(2, 8, 1), nn.ReLU(), nn.Conv2d(8, 6, 1)).eval()
    inputs = np.zeros((4, *SHAPE), np.float32)
    task = Transformation(TensorTransform(module=module, input_shape=SHAPE, held_out=inputs))
    take_out(module, task, share=0.5, multiple=1)
    assert module(images()).shape == (3, 6, 8, 8)
    with pytest.raises(UnprunableError, match=r"2: they are what is answered"):
        take_out(module, task, share=0.01, multiple=1)


def divergence(before: Work, module: nn.Module) -> float:
    """Distance to the original's answers on its held-out inputs."""
    original: Any = present(before.original)
    inputs = torch.from_numpy(original.held_out)
    with torch.no_grad():
        return float(lessons_of(original).distance(module(inputs), original.module(inputs), 1.0))


def test_distilling_brings_answers_nearer_to_the_originals(tmp_path: Path) -> None:
    before = work(tmp_path)
    torch.manual_seed(0)
    untaught = student().eval()
    assert divergence(before, distilled(before, epochs=30)) < 0.8 * divergence(before, untaught)


def test_teaching_mends_what_pruning_broke(tmp_path: Path) -> None:
    before = work(tmp_path)
    broken = copy.deepcopy(present(before.original).module)
    take_out(broken, present(before.task), share=PRUNING.flops, multiple=4)
    assert divergence(before, pruned(before, epochs=12)) < 0.8 * divergence(before, broken)


def test_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    first, again, other = (distilled(work(tmp_path / str(run)), seed) for run, seed in enumerate((0, 0, 1)))
    assert weights(first) == weights(again) != weights(other)
    first, again = (pruned(work(tmp_path / f"pruned-{run}")) for run in range(2))
    assert weights(first) == weights(again)


def test_teaching_leaves_torch_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(4)
    expected, threads = torch.rand(1), torch.get_num_threads()
    before = work(tmp_path)
    torch.manual_seed(4)
    pruned(before, threads=threads + 1)
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


class Bag(nn.Module):
    """A student of the tiny embedder: no attention, and only what its inputs are called is the same."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(32, 32), nn.Linear(32, 32)

    def forward(self, attention_mask: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.words(input_ids)) * attention_mask[:, :, None]  # type: ignore[no-any-return]


def test_sentence_vectors_are_distilled(
    embedder: Callable[..., Project], loaded: Callable[[Project], Work], embedder_source: str
) -> None:
    taught = embedder_source.replace("import TextEmbedder", "import TextEmbedder, Training").replace(
        "reference=reference)", "reference=reference, training=Training(inputs=['the red boat', 'now'] * 60))"
    )
    before = loaded(embedder(taught))
    torch.manual_seed(2)
    untaught = Bag().eval()
    after = Distill(**TEACHING.model_dump()).run(replace(before, student=untaught))
    lessons, everything = lessons_of(before.original), torch.arange(120)
    with torch.no_grad():
        theirs, first, last = (
            lessons.answers(each, everything)
            for each in (present(before.original).module, untaught, present(after.module))
        )
    assert float(lessons.distance(last, theirs, 1.0)) < 0.1 < float(lessons.distance(first, theirs, 1.0))
    expected = present(before.original).reference(["the red boat", "now"])
    np.testing.assert_allclose(nn.functional.normalize(theirs)[:2].numpy(), expected, atol=1e-5)


def test_numbers_are_distilled() -> None:
    inputs = np.random.default_rng(3).standard_normal((200, 4), dtype=np.float32)
    original = TensorTransform(
        module=nn.Sequential(nn.Linear(4, 32), nn.Linear(32, 2)).eval(),
        input_shape=(4,),
        held_out=inputs[100:],
        training=Training(inputs=inputs[:100]),
    )
    learned = teach(
        nn.Linear(4, 2), original.module, lessons_of(original), Plan(epochs=60, batch=16, learning_rate=0.05), print
    )
    assert learned.after < 0.01 < learned.before


class Spy(nn.Module):
    """Remembers what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.seen = student(), set[bytes]()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.seen.update(each.numpy().tobytes() for each in inputs)
        return self.inner(inputs)  # type: ignore[no-any-return]


def test_student_is_never_shown_what_judges_it() -> None:
    original, spy = classifier(Residual()), Spy()
    teach(spy, original.module, lessons_of(original), Plan(epochs=2, batch=32, learning_rate=0.01), lambda _: None)
    assert len(spy.seen) == 96
    assert not spy.seen & {each.tobytes() for each in original.held_out}


def test_teaching_ends_early_when_nothing_gets_better() -> None:
    original = classifier(Residual())
    plan = Plan(epochs=50, batch=32, learning_rate=1e-12, patience=3)
    frozen = nn.Sequential(nn.Flatten(), nn.Linear(128, CLASSES)).requires_grad_(requires_grad=False)
    assert teach(frozen, original.module, lessons_of(original), plan, lambda _: None).epochs < 50


def test_teaching_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_build.teaching.TELL_SECONDS", 0.0)
    original, told = classifier(Residual()), list[str]()
    teach(student(), original.module, lessons_of(original), Plan(epochs=2, batch=32, learning_rate=0.01), told.append)
    assert [each.split(",")[0] for each in told] == ["epoch 1 of 2", "epoch 2 of 2"]


def test_loss_that_is_no_number_is_refused() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(128, CLASSES)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.linear(inputs.flatten(1)) * float("nan")  # type: ignore[no-any-return]

    original, plan = classifier(Residual()), Plan(epochs=5, batch=32, learning_rate=0.01)
    with pytest.raises(NotLearnedError, match="the loss is nan after epoch 1: lower the learning_rate"):
        teach(Broken(), original.module, lessons_of(original), plan, lambda _: None)


def test_labels_teach_where_they_are_known(tmp_path: Path) -> None:
    """The original knows nothing; forty labels tell which of two channels is brighter."""
    blank = nn.Linear(128, CLASSES)
    nn.init.zeros_(blank.weight)
    original = classifier(nn.Sequential(nn.Flatten(), blank))
    inputs = present(original.training).inputs
    truth = (inputs[:, 0].mean((1, 2)) > inputs[:, 1].mean((1, 2))).astype(int)  # type: ignore[call-overload]
    labels = np.where(np.arange(96) < 70, truth, -1)
    before = work(tmp_path, replace(original, training=Training(inputs=inputs, labels=labels)))
    module = distilled(before, teacher_share=0.0, epochs=40)
    with torch.no_grad():
        said = module(torch.from_numpy(inputs[:70])).argmax(1).numpy()
    assert (said == truth[:70]).mean() > 0.8


def test_module_is_read_as_it_was_written(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
            self.two.weight = self.one.weight
            self.register_buffer("scale", torch.ones(1), persistent=False)

    base = Tied()
    changed = copy.deepcopy(base)
    changed.one.weight = changed.two.weight = nn.Parameter(torch.full((2, 4), 3.0))
    changed.one.out_features = 2
    assert read(base, tmp_path) is None
    write(changed, base, tmp_path)
    found: Any = read(base, tmp_path)
    assert found.one.weight is found.two.weight
    assert torch.equal(found.two.weight, torch.full((2, 4), 3.0))
    assert (found.one.out_features, found.two.out_features, base.one.out_features) == (2, 4, 4)


def test_recipes_are_tried_with_and_without_and_a_named_one_does_all() -> None:
    both = {"prune": PRUNING.model_dump(), "distill": TEACHING.model_dump()}
    plain = [each.name for each in recipes(ModelSpec.model_validate(SPEC))]
    searched = [each.name for each in recipes(ModelSpec.model_validate({**SPEC, **both}))]
    suffixes = ("", "-distilled", "-pruned", "-distilled-pruned")
    assert searched == [name + suffix for suffix in suffixes for name in plain]
    [fixed] = recipes(ModelSpec.model_validate({**SPEC, **both, "target": "cpu-int8"}))
    assert fixed.name == "onnxruntime-int8-distilled-pruned"
    assert [step.name for step in fixed.passes] == ["distill", "prune", "export", "optimize", "quantize_static"]


def refusal(before: Work) -> str:
    with pytest.raises(SpecError) as error:
        with_student(before)
    return str(error.value)


ASKED = {"distill": TEACHING.model_dump()}


def test_source_without_training_data_is_refused(tmp_path: Path) -> None:
    before = work(tmp_path, replace(classifier(Residual()), training=None), prune=PRUNING.model_dump())
    assert refusal(before) == (
        "models/small/model.yaml: 1 problem\n"
        "  file  prune: the source brings no training data: give load()'s result training=Training(inputs=…)"
    )


def test_training_data_that_judges_is_refused(tmp_path: Path) -> None:
    original = classifier(Residual())
    mixed = np.concatenate([present(original.training).inputs, original.held_out[:3]])
    before = work(tmp_path, replace(original, training=Training(inputs=mixed)), **ASKED)
    assert refusal(before).endswith("  distill: 3 of the training inputs judge the artifact too: take them out of it")


def test_teaching_by_labels_alone_is_refused_when_there_are_none(tmp_path: Path) -> None:
    before = work(tmp_path, distill=TEACHING.model_copy(update={"teacher_share": 0.0}).model_dump())
    expected = "distill.teacher_share: is 0 and the training data has no labels: nothing would teach"
    assert refusal(before).endswith(expected)


def test_label_of_no_class_is_refused(tmp_path: Path) -> None:
    before = work(tmp_path, classifier(Residual(), labels=np.full(96, 4)), **ASKED)
    assert refusal(before).endswith("distill: training label 4, accepted: -1 to 3")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            None,
            "model.yaml: 1 problem\n  file  distill.student: student.py is not in models/small",
        ),
        (
            "def student():\n    return 3\n",
            "student.py: 1 problem\n  file  student() returned int, accepted: a torch.nn.Module",
        ),
        (
            "from torch import nn\ndef student():\n    return nn.Sequential(nn.Flatten(), nn.Linear(128, 9))\n",
            "student.py: 1 problem\n  file  the student answers (2, 9) where the original answers (2, 4)",
        ),
        (
            "def pupil():\n    pass\n",
            "student.py: 1 problem\n  file  has no function 'student', which model.yaml names",
        ),
    ],
)
def test_student_that_cannot_take_the_place_is_refused(tmp_path: Path, source: str | None, expected: str) -> None:
    before = work(tmp_path, **ASKED)
    before.source_folder.mkdir(parents=True)
    if source is not None:
        (before.source_folder / "student.py").write_text(source)
    assert refusal(before).startswith(f"models/small/{expected}")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inputs": np.zeros((3, 1))}, "training: 3 inputs, accepted: 16 or more"),
        (
            {"inputs": np.zeros((20, 1)), "labels": np.zeros(3, int)},
            "training: labels int64 (3,), accepted: one whole number for each of 20, -1 where it is not known",
        ),
    ],
)
def test_training_is_refused_when_it_is_not_whole(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="training") as error:
        Training(**given)
    assert str(error.value) == message
