"""The layers that stay in float: on a tiny network made so that one of its layers cannot bear eight bits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from model_build import mixing
from model_build.cache import Cache
from model_build.mixing import _shortest
from model_build.passes.compress_mixed import CompressMixed, _rounded
from model_build.passes.export import Export
from model_build.passes.package import Package
from model_build.passes.quantize_calibrated import QuantizeCalibrated
from model_build.passes.quantize_mixed import QuantizeMixed
from model_build.passes.verify import Verify
from model_build.search import Search
from model_build.shrinking import Form
from model_build.targets import Recipe, recipes
from model_build.tasks import weights_bytes
from model_build.work import ShapingError, present
from slipway.specs import Calibrate, GateError, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_build.work import Work
    from slipway.specs import Project

    Make = Callable[..., Project]
    Loaded = Callable[[Project], Work]

MODULE = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.third = nn.Linear(64, 5), nn.Linear(5, 4), nn.Linear(4, 4)

        def forward(self, picture):
            return self.third(torch.relu(self.second(torch.relu(self.first(picture.flatten(1))))))

    module = Net().eval()
    with torch.no_grad():
        for linear in (module.first, module.second, module.third):
            linear.weight.zero_(), linear.bias.zero_()
        quarters = module.first.weight.view(5, 8, 8)
        for quarter in range(4):
            row, column = divmod(quarter, 2)
            quarters[quarter, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] = 1 / 16
        module.first.bias[4] = OUTLIER  # second's fifth input: it means nothing, and its range is all that there is
        module.second.weight[:, :4] = torch.eye(4)
        module.third.weight.copy_(torch.eye(4) * 9)
"""


@pytest.fixture
def network(
    classifier: Make, loaded: Loaded, export: Callable[[Work], Work], classifier_source: str
) -> Callable[[float], Work]:
    """Make the network whose second layer has an input of this size, exported."""
    start, end = classifier_source.index("    conv, linear ="), classifier_source.index("    random =")

    def make(outlier: float) -> Work:
        source = classifier_source[:start] + MODULE.replace("OUTLIER", str(outlier)) + classifier_source[end:]
        work = loaded(classifier(source, target="cpu"))
        return export(Verify().questioned(work))

    return make


def stays(work: Work) -> list[str]:
    mixture = present(present(work.graph).mixture)
    assert mixture.layers == 4  # three products, and the picture that becomes a row
    return [layer.name for layer in mixture.in_float]


def products(work: Work) -> list[str]:
    ordered = present(work.graph).as_openvino().get_ordered_ops()
    return [node.get_friendly_name() for node in ordered if node.get_type_name() == "MatMul"]


def test_mixed_leaves_the_one_layer_in_float_that_cannot_bear_int8(network: Callable[[float], Work]) -> None:
    work = network(1e4)
    with pytest.raises(GateError, match="answers the same for all 120 inputs"):
        Verify().run(QuantizeCalibrated().run(replace(work, scratch=work.scratch / "plain")))
    told: list[str] = []
    mixed = QuantizeMixed("accuracy 0.97").run(replace(work, tell=told.append))
    assert stays(mixed) == [products(mixed)[1]]
    assert present(Verify().run(mixed).proof).value == 1
    [layer] = present(present(mixed.graph).mixture).in_float
    assert layer.error > 0.05
    assert told[0] == "layer 1 of 4"
    assert told[-1].startswith(("0 of 4 in float32: ", "1 of 4 in float32: "))


def test_mixed_quantises_all_when_the_gate_holds(network: Callable[[float], Work]) -> None:
    assert stays(QuantizeMixed("accuracy 0.97").run(network(0.0))) == []


def test_mixed_gives_up_when_no_layer_may_be_quantised(network: Callable[[float], Work]) -> None:
    work = network(1e4)
    wrong = replace(work, expected=present(work.expected)[::-1].copy())
    impossible = wrong.spec.verify.model_copy(update={"at_least": 1.0})
    truth = present(work.samples).truth
    other = replace(present(work.samples), truth=None if truth is None else (truth + 1) % 4)
    spec = wrong.spec.model_copy(update={"verify": impossible})
    with pytest.raises(ShapingError, match=r"mix failed: the gate is missed however many of 4 layers stay"):
        QuantizeMixed("accuracy 1").run(replace(wrong, spec=spec, samples=other))


def test_mixed_measures_neighbours_together_when_there_are_many(
    network: Callable[[float], Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixing, "MOST_GROUPS", 2)
    told: list[str] = []
    mixed = QuantizeMixed("accuracy 0.97").run(replace(network(1e4), tell=told.append))
    assert [each for each in told if each.startswith("layer")] == ["layer 1 of 2", "layer 2 of 2"]
    assert stays(mixed) == products(mixed)[1:]


def test_mixed_writes_the_same_bytes_twice(network: Callable[[float], Work], tmp_path: Path) -> None:
    work = network(1e4)
    written = []
    for name in ("one", "two"):
        graph = present(QuantizeMixed("accuracy 0.97").run(replace(work, scratch=tmp_path / name)).graph)
        written.append([path.read_bytes() for path in graph.files()])
    assert written[0] == written[1]


@pytest.mark.parametrize(("outlier", "wanted"), [(1e4, ("refused", "kept")), (0.0, ("kept", "spared"))])
def test_search_mixes_only_where_plain_int8_misses_the_gate(
    outlier: float, wanted: tuple[str, str], network: Callable[[float], Work], tmp_path: Path
) -> None:
    work = network(outlier)
    offered = {recipe.name: recipe for recipe in recipes(work.spec)}
    assert offered["openvino-int8-mixed"].spared_by == "openvino-int8"
    names = ("openvino-int8", "openvino-int8-mixed")
    two = tuple(replace(offered[name], passes=offered[name].passes[1:]) for name in names)  # it is exported already
    search = Search(work.spec, two, Cache(tmp_path / "cache", {}, lambda _: None), lambda _: None)
    search.shape(work)
    chosen = search.choose(work)
    tried = {each.recipe: each for each in chosen.tried}
    assert (tried["openvino-int8"].outcome, tried["openvino-int8-mixed"].outcome) == wanted
    folder = present(Package().run(chosen).artifact)
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    page = (folder / "report.html").read_text(encoding="utf-8")
    if outlier == 0:
        assert manifest.mixture is None
        assert tried["openvino-int8-mixed"].reason == "openvino-int8 passes the gate"
    else:
        [layer] = present(manifest.mixture).in_float
        assert f'<th scope="row">{layer.name}</th>' in page
        assert "In float32: 1 of 4 layers" in page


def test_mixed_is_spared_by_the_same_network_in_int8() -> None:
    small = Recipe("b", (Export(),), spared_by="a").after(Form("-pruned", (), is_whole=True))
    assert (small.name, small.spared_by) == ("b-pruned", "a-pruned")


@pytest.fixture
def text_work(embedder_work: Work) -> Work:
    """The tiny embedder with its calibration data."""
    (embedder_work.source_folder / "calibration.txt").write_text("the red boat\nthe car stops slowly\n")
    calibrated = embedder_work.spec.model_copy(update={"calibrate": Calibrate(data="calibration.txt")})
    return Verify().questioned(replace(embedder_work, spec=calibrated))


def compressed(work: Work, at_least: float) -> Work:
    verify = work.spec.verify.model_copy(update={"at_least": at_least})
    spec = work.spec.model_copy(update={"verify": verify})
    asked = replace(work, spec=spec, scratch=work.scratch / str(at_least))
    return CompressMixed(f"cosine_similarity {at_least}", group=8).run(asked)


def in_bytes(work: Work) -> int:
    """Count the matrices that are stored in eight bits."""
    ordered = present(work.graph).as_openvino().get_ordered_ops()
    kinds = [node.get_element_type().get_type_name() for node in ordered if node.get_type_name() == "Constant"]
    return kinds.count("u8") // 2  # each has its zeros


def test_compressed_weights_stay_near_in_groups(text_work: Work) -> None:
    work = compressed(text_work, 0.98)
    mixture = present(present(work.graph).mixture)
    assert (mixture.layers, mixture.in_float, in_bytes(work)) == (4, (), 4)
    weights = present(work.graph).folder / "model.bin"
    assert weights.stat().st_size < 0.6 * weights_bytes(present(work.original).module)
    rows = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    values, zeros, steps = _rounded(rows, 8)
    near = ((values.astype(np.float32) - zeros) * steps).reshape(rows.shape)
    assert np.abs(near - rows).max() <= steps.max() / 2 + 1e-6


def test_compressed_weights_leave_more_in_float_when_the_gate_is_higher(text_work: Work) -> None:
    plain = Verify().run(compressed(text_work, 0.98))
    lost = 1 - present(present(plain.proof).bound)
    assert lost > 0
    higher = compressed(text_work, 1 - lost / 3)
    floats = present(present(higher.graph).mixture).in_float
    assert 0 < len(floats) < 4
    assert in_bytes(higher) == 4 - len(floats)
    proof = present(Verify().run(higher).proof)
    assert present(proof.bound) >= 1 - lost / 3
    assert [layer.error for layer in floats] == sorted((layer.error for layer in floats), reverse=True)


def test_lossless_search_offers_weights_mixed_where_plain_ones_miss(text_work: Work) -> None:
    spec = text_work.spec.model_copy(update={"target": "cpu-lossless"})
    offered = {recipe.name: recipe for recipe in recipes(spec)}
    mixed = offered["openvino-int8-weights-mixed"]
    assert mixed.spared_by == "openvino-int8-weights"
    assert mixed.passes[-1] == CompressMixed("cosine_similarity 0.9999 as the original")
    assert CompressMixed("x").unfit(replace(text_work, spec=spec.model_copy(update={"calibrate": None}))) is not None


@pytest.mark.parametrize("least", range(6))
def test_shortest_finds_the_least_count_that_holds(least: int) -> None:
    asked: list[int] = []

    def holds(count: int) -> bool:
        asked.append(count)
        return count >= least

    assert _shortest(5, holds) == least
    assert len(asked) <= 3
