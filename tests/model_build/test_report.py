"""The page, as a reader's browser shows it."""

from __future__ import annotations

import json
import platform
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from model_build import build
from model_build.report import artifact_page, build_page
from slipway.specs import Manifest, Project
from tests.model_build.browser import Browser, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)>"
OUTCOMES = ("kept", "slower", "refused", "spared", "peer", "unfit")
DASH = "\u2013"
COMPLAINTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening")
in_a_browser = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the browser in the npm package is for Linux"
)

POINTS = """(() => {
  const axis = group => [...document.querySelectorAll(`.pareto .${group} .tick`)].map(
    tick => [Number(tick.dataset.value), Number(tick.dataset.at)]);
  const box = document.querySelector('.pareto').getScreenCTM();
  const points = [...document.querySelectorAll('.pareto .point')].map(point => {
    const at = point.getScreenCTM();
    const mark = point.querySelector('.mark');
    return {recipe: point.querySelector('text').textContent, shape: mark.tagName + (mark.getAttribute('r') || ''),
            dashed: getComputedStyle(mark).strokeDasharray !== 'none',
            x: (at.e - box.e) / box.a, y: (at.f - box.f) / box.d};
  });
  const rows = [...document.querySelectorAll('.recipes tbody tr')].map(row => {
    const cells = [...row.cells].map(cell => cell.textContent);
    return {recipe: cells[0], outcome: cells[1], time: cells[2], error: cells[3]};
  });
  return {times: axis('times'), errors: axis('errors'), points, rows};
})()"""


def told(**changes: Any) -> Manifest:
    """A manifest with a recipe of each outcome."""
    speeds = ((2.995, 0.996654), (2.933, 0.9931), (2.456, 0.999434), (2.059, 1.0))
    names = (("fast", "kept"), ("nearly", "slower"), (HOSTILE, "slower"), ("exact", "slower"))
    tried = [
        {"recipe": name, "outcome": outcome, "value": value, "speedup": speed, "size_bytes": 23_290_480}
        for (name, outcome), (speed, value) in zip(names, speeds, strict=True)
    ]
    tried.append({"recipe": "wrong", "outcome": "refused", "value": 0.934, "reason": "missed by 0.046"})
    tried.append({"recipe": "needless", "outcome": "spared", "reason": "fast passes the gate"})
    tried.append({"recipe": "other", "outcome": "peer", "value": 1.0, "speedup": 1.4, "size_bytes": 9_000})
    tried.append({"recipe": "elsewhere", "outcome": "unfit", "reason": HOSTILE})
    rows = [
        {"shape": shape, "ratio": 3.1, "ratio_p25": 2.9, "ratio_p75": 3.4, "p50_ms": 4.0, "reference_p50_ms": 12.4}
        for shape in ("1x16", "8x128")
    ]
    document = {
        "served": {
            "name": "tiny",
            "digest": "0" * 64,
            "task": "sentence-embedding",
            "target": "cpu",
            "runtime": "openvino",
            "model_file": "model.xml",
            "inputs": [],
            "outputs": [],
            "preprocess": {"kind": "tokenize", "tokenizer_file": "tokenizer.json", "max_length": 8},
            "postprocess": {"kind": "embed", "pooling": "mean", "normalize": True, "dimensions": 4},
            "example": {"inputs": ["a"]},
        },
        "archive": {"sha256": "1" * 64, "size_bytes": 23_768_873},
        "reference_bytes": 90_852_864,
        "recipe": "export > quantize",
        "tried": tried,
        "processor": "Some Processor",
        "proof": {
            "metric": "cosine_similarity",
            "value": 0.996654,
            "bound": 0.996174,
            "at_least": 0.98,
            "samples": 140,
            "details": {"minimum": 0.97},
            "worst": [f"0.97 for {HOSTILE}"],
            "consistency": {"alone": 0.9967, "asked_twice": 0.0},
        },
        "benchmark": rows,
        "versions": {"torch": "2.13.0"},
        **changes,
    }
    return Manifest.model_validate_json(json.dumps(document))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    with Browser(unpack(folder), folder) as running:
        yield running


def opened(browser: Browser, page: str, folder: Path) -> None:
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    browser.open(file)


def value_at(axis: list[list[float]], place: float) -> float:
    """Read a logarithmic axis by two of its marks."""
    (low, start), (high, end) = axis[0], axis[-1]
    return float(low * (high / low) ** ((place - start) / (end - start)))


@in_a_browser
def test_browser_shows_the_page_asks_nobody_and_complains_of_nothing(browser: Browser, tmp_path: Path) -> None:
    opened(browser, artifact_page(told()), tmp_path)
    assert browser.value("document.title") == "tiny for cpu"
    assert [it["request"]["url"] for it in browser.seen("Network.requestWillBeSent")] == [
        (tmp_path / "report.html").as_uri()
    ]
    complaints = (
        "Runtime.consoleAPICalled",
        "Runtime.exceptionThrown",
        "Log.entryAdded",
        "Page.javascriptDialogOpening",
    )
    for complaint in complaints:
        assert browser.seen(complaint) == []
    assert browser.value("document.querySelectorAll('script, img, iframe, object').length") == 0


@in_a_browser
def test_browser_draws_each_point_where_the_table_says(browser: Browser, tmp_path: Path) -> None:
    opened(browser, artifact_page(told()), tmp_path)
    seen = browser.value(POINTS)
    rows = {row["recipe"]: row for row in seen["rows"]}
    assert rows.keys() == {point["recipe"] for point in seen["points"]} == {it.recipe for it in told().tried}
    frame = seen["times"][-1][1]
    for point in seen["points"]:
        row = rows[point["recipe"]]
        if row["time"] == DASH:
            assert point["x"] > frame
        else:
            assert value_at(seen["times"], point["x"]) == pytest.approx(float(row["time"]), rel=2e-3)
        if row["error"] == DASH:
            assert point["y"] < min(place for _, place in seen["errors"])
        else:
            drawn = value_at(seen["errors"], point["y"])
            assert drawn == pytest.approx(max(float(row["error"]), 1e-6), rel=1e-2)


@in_a_browser
def test_outcomes_differ_in_shape_and_not_only_in_colour(browser: Browser, tmp_path: Path) -> None:
    opened(browser, artifact_page(told()), tmp_path)
    seen = browser.value(POINTS)
    outcomes = {row["recipe"]: row["outcome"] for row in seen["rows"]}
    looks: dict[str, set[tuple[str, bool]]] = {outcome: set() for outcome in OUTCOMES}
    for point in seen["points"]:
        looks[outcomes[point["recipe"]]].add((point["shape"], point["dashed"]))
    assert all(len(shapes) == 1 for shapes in looks.values())
    assert len({next(iter(shapes)) for shapes in looks.values()}) == len(OUTCOMES)


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_page(browser: Browser, tmp_path: Path, scheme: str) -> None:
    browser.scheme(scheme)
    opened(browser, artifact_page(told()), tmp_path)
    paper = browser.value("getComputedStyle(document.body).backgroundColor")
    for selector, kind in ((".lead", "color"), ("h1", "color"), (".gate-text", "fill"), (".tick-text", "fill")):
        ink = browser.value(f"getComputedStyle(document.querySelector('{selector}')).{kind}")
        assert contrast(ink, paper) >= 4.5, f"{selector} in {scheme}"
    assert (luminance(paper) > 0.5) == (scheme == "light")


@in_a_browser
def test_hostile_words_are_words(browser: Browser, tmp_path: Path) -> None:
    opened(browser, build_page([told()]), tmp_path)
    assert browser.value("document.title") == "Build of 1 model"
    assert HOSTILE in browser.value("document.querySelector('.worst').textContent")
    assert HOSTILE in browser.value("document.querySelector('.recipes').textContent")


@in_a_browser
def test_narrow_window_scrolls_tables_and_not_the_page(browser: Browser, tmp_path: Path) -> None:
    opened(browser, artifact_page(told()), tmp_path)
    browser.picture(tmp_path / "narrow.png", width=400)
    assert browser.value("document.documentElement.scrollWidth") <= 400
    assert (tmp_path / "narrow.png").read_bytes()[:4] == b"\x89PNG"


def test_build_leaves_a_page_beside_each_artifact_and_one_of_all(built: Project, tmp_path: Path) -> None:
    for name in ("tiny", "quarters"):
        folder = built.artifact_folder(name, built.lock.models[name].digest)
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        assert (folder / "report.html").read_text() == artifact_page(manifest)
        assert manifest.proof.value == pytest.approx(float(Facts.of(artifact_page(manifest))[0]))
    page = (built.root / ".slipway" / "build.html").read_text()
    assert build(built, report=tmp_path / "pages" / "all.html")[0].built is False
    assert (tmp_path / "pages" / "all.html").read_text() == page
    assert page.count("<section") == 2


def test_server_figures_are_of_a_process_that_ran(built: Project) -> None:
    folder = built.artifact_folder("tiny", built.lock.models["tiny"].digest)
    server = json.loads((folder / "manifest.json").read_bytes())["server"]
    assert 100 < server["cold_start_min_ms"] <= server["cold_start_ms"] <= server["cold_start_max_ms"]
    assert 20e6 < server["peak_memory_bytes"] < 2e9
    assert built.lock.models["tiny"].cold_start_ms == server["cold_start_ms"]


def test_equal_figures_are_equal_bytes() -> None:
    assert artifact_page(told()) == artifact_page(Manifest.model_validate_json(told().model_dump_json()))


def test_recipe_that_raced_nobody_has_the_benchmarks_speed() -> None:
    page = artifact_page(told(tried=[]))
    assert f'data-value="{1 / 3.1}"' in page
    assert 'data-recipe="cpu (openvino)"' in page


class Facts(HTMLParser):
    """Collects what stands in the page's <dd>."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    @classmethod
    def of(cls, page: str) -> list[str]:
        parser = cls()
        parser.feed(page)
        return parser.found

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  the signature
        self._inside = tag == "dd"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)
            self._inside = False


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
