"""Sources and machines that do not play along: each ends in one clear error, and the next build is whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from model_build import build
from model_build.cache import tidy
from model_build.child import Child
from model_build.memory import Peaks, waves
from model_build.progress import Silent
from slipway.specs import HostError, Project, SpecError
from tests.model_build.test_sources import packed, save_bert, scale

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_build.work import Work

    Make = Callable[..., Project]

PYTHON = (sys.executable, "-m", "model_build")
WAIT_AT = "SLIPWAY_TEST_WAIT_AT"


def run(project: Project, *words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, *PYTHON, "--project", str(project.root), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "import os, time; os.closerange(3, 99); time.sleep(600)",
            "source: closed the pipe between the build and its parent during load",
        ),
        (
            (
                "import os\n    for number in range(3, 20):\n        try: os.write(number, b'harm\\n')\n"
                "        except OSError: pass\n    import time; time.sleep(600)"
            ),
            "source: wrote into the pipe between the build and its parent during load",
        ),
        (
            "import numpy; all_of_it = [numpy.empty(1 << 30) for _ in range(99)]",
            "needs more memory than the machine has free",
        ),
    ],
)
def test_source_that_breaks_what_is_not_its_own_is_refused(embedder: Make, lines: str, said: str) -> None:
    result = run(embedder(f"def load():\n    {lines}"))
    assert said in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert (result.stdout, result.returncode) == ("", 2)


def test_original_that_never_answers_is_blamed_at_its_line(embedder: Make, embedder_source: str) -> None:
    never = embedder_source.replace("def reference(texts):", "def reference(texts):\n        while True: pass")
    line = 1 + never.splitlines().index("        while True: pass")
    result = run(embedder(never), "--load-timeout", "8")
    assert f"line {line}  is still busy here after 8 s: give it longer with --load-timeout" in result.stderr
    assert (result.stdout, result.returncode) == ("", 2)


def test_weights_that_are_not_finite_are_refused_by_name(
    embedder: Make, embedder_source: str, loaded: Callable[[Project], Work]
) -> None:
    text = embedder_source.replace("Tiny().eval()", "Tiny().eval(); module.key.weight.data[3, 4] = float('nan')")
    with pytest.raises(SpecError, match=r"source.py: 1 problem\n  file  weight 'key\.weight' holds NaN or infinity"):
        loaded(embedder(text))


def test_calibration_data_without_a_line_is_refused_before_anything_is_built(
    embedder: Make, loaded: Callable[[Project], Work]
) -> None:
    project = embedder(target="cpu", more="calibrate: {data: calibration.txt}\n")
    (project.root / "models/tiny/calibration.txt").write_text("\n  \n")
    with pytest.raises(SpecError, match=r"calibration.txt: 1 problem\n  file  holds no input: calibration needs one"):
        loaded(project)


HARM = b"cos\nsystem\n(S'touch %s'\ntR."
TEXT = (
    "task: sentence-embedding\nsource: {{{source}, pooling: mean}}\ntarget: cpu-fp32\n"
    "verify: {{data: sentences.txt, metric: cosine_similarity, at_least: 0.9}}\nbenchmark: {{sequence_length: [8]}}\n"
)
NUMBERS = (
    "task: transformation\nsource: {onnx: model.onnx}\ntarget: cpu\n"
    "verify: {data: held-out.npz, metric: r_squared, at_least: 0.9}\ncalibrate: {data: seen.npz}\n"
)


def write_hostile(root: Path) -> dict[str, str]:
    """Write a model of each kind; return what is said of it."""
    tokenizer = (root / "models/tiny/tokenizer.json").read_bytes()
    for name in ("pickled", "climbing", "cut", "poisoned", "unseen"):
        (root / "models" / name).mkdir()
    for name in ("pickled", "cut"):
        folder = root / "models" / name
        save_bert(folder / "weights")
        (folder / "weights/tokenizer.json").write_bytes(tokenizer)
        (folder / "model.yaml").write_text(TEXT.format(source="huggingface: weights"))
    weights = root / "models/cut/weights/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    (root / "models/pickled/weights/model.safetensors").unlink()
    (root / "models/pickled/weights/pytorch_model.bin").write_bytes(HARM % str(root / "harmed").encode())
    packed(root / "models/climbing/a.tar.gz", ("config.json", b"{}", None), ("../../../harmed", b"", None))
    (root / "models/climbing/model.yaml").write_text(TEXT.format(source="archive: a.tar.gz"))
    for name, weight, seen in (("poisoned", np.nan, 9), ("unseen", 1, 0)):
        folder = root / "models" / name
        (folder / "model.onnx").write_bytes(scale(np.full((3, 4), weight)).SerializeToString())
        np.savez(folder / "held-out.npz", inputs=np.ones((120, 3), np.float32))
        np.savez(folder / "seen.npz", inputs=np.ones((seen, 3), np.float32))
        (folder / "model.yaml").write_text(NUMBERS)
    for name in ("pickled", "climbing", "cut"):
        (root / "models" / name / "sentences.txt").write_text("the blue boat\n" * 120)
    return {
        "models/pickled/model.yaml": "source.huggingface: pytorch_model.bin is a pickle, which runs code as it is read",
        "models/climbing/model.yaml": "source.archive: entry '../../../harmed' leads out of the folder",
        "models/cut/model.yaml": "source.huggingface: model.safetensors is cut short: ",
        "models/poisoned/model.yaml": "source.onnx: tensor 'factor' holds NaN or infinity",
        "models/unseen/seen.npz": "inputs: is missing or empty, needed: one or more inputs",
        "models/tiny/source.py": "ended the process with code 3: return the model instead",
    }


@pytest.mark.slow
def test_every_hostile_source_of_a_build_is_named_and_none_of_them_did_harm(embedder: Make) -> None:
    project = embedder("def load():\n    print('noise')\n    raise SystemExit(3)")
    said = write_hostile(project.root)
    result = run(project)
    assert (result.stdout, result.returncode) == ("", 2)
    found = result.stderr[result.stderr.index("models/") :]
    assert "Traceback" not in result.stderr
    assert found.count(": 1 problem\n") == len(said)
    for file, message in said.items():
        assert message in found.split(f"{file}: 1 problem\n")[1].splitlines()[0]
    assert not list(project.root.rglob("harmed"))
    assert [path.name for path in (project.root / "artifacts").iterdir()] == [".lock"]


WAITS = f"""def load():
    import os, sys, time
    os.close(1); os.close(2)  # and the same source closes what it was given
    worker = sys.modules["__main__"].Worker
    tell = worker.tell
    def tell_and_wait(self, event):
        tell(self, event)
        if event.kind == "step" and event.text == os.environ.get("{WAIT_AT}"):
            time.sleep(600)
    worker.tell = tell_and_wait"""


class Killer(Silent):
    """Kills the child as a step begins, where it waits to be killed."""

    def __init__(self, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(WAIT_AT, step)
        self._step, self._children = step, []  # type: ignore[var-annotated]
        original = Child.__init__

        def noted(child: Child, *words: Any, **named: Any) -> None:
            original(child, *words, **named)
            self._children.append(child)

        monkeypatch.setattr(Child, "__init__", noted)

    def step(self, model: str, name: str) -> None:  # noqa: ARG002  the protocol's arguments
        if name == self._step:
            os.kill(self._children[-1]._process.pid, signal.SIGKILL)  # noqa: SLF001  what a kernel does


def test_build_goes_on_after_it_was_killed_at_any_pass_and_never_takes_half_a_form(
    embedder: Make, monkeypatch: pytest.MonkeyPatch, embedder_source: str
) -> None:
    project = embedder(embedder_source.replace("def load():", WAITS))
    for step in ("optimize", "verify", "package"):
        with pytest.raises(HostError, match=rf"killed by SIGKILL .*during {step};"), monkeypatch.context() as patch:
            build(project, progress=Killer(step, patch))
        assert not list((project.root / "artifacts").glob("*/*"))
        assert project.lock.models == {}
    for form in (project.root / ".slipway/cache/tiny").glob("[!.]*/model.onnx"):
        form.write_bytes(form.read_bytes()[:100])  # as a machine leaves it that lost its power
    (result,) = build(project)
    assert result.built
    left = [path.name for path in (project.root / "artifacts").iterdir()]
    assert sorted(left) == [".lock", "tiny"]
    assert not list((project.root / ".slipway/cache/tiny").glob(".making-*"))
    assert json.loads((project.root / ".slipway/peaks.json").read_bytes())["tiny"] > 100_000_000
    _no_change_is_found_where_nothing_can_be_written(project)


def _no_change_is_found_where_nothing_can_be_written(project: Project) -> None:
    """Root's own right to write everywhere is taken away: what is left is what the modes say."""
    folders = [path for path in (project.root, *project.root.rglob("*")) if path.is_dir()]
    modes = {path: path.stat().st_mode for path in folders}
    bounded = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    if bounded and shutil.which("setpriv") is None:
        return
    try:
        for path in folders:
            path.chmod(0o555)
        unchanged = run(project, before=bounded)
        (project.root / "models/tiny/source.py").chmod(0o644)
        with (project.root / "models/tiny/source.py").open("a") as file:
            file.write("# changed")
        changed = run(project, before=bounded)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert (unchanged.returncode, json.loads(unchanged.stdout)["models"][0]["built"]) == (0, False)
    assert (changed.returncode, changed.stderr.count("\n")) == (3, 1)
    assert "the build cannot go on: Permission denied" in changed.stderr


def test_cache_of_a_model_that_is_gone_is_forgotten_and_what_is_left_is_told(tmp_path: Path) -> None:
    for name in ("gone", "kept"):
        (tmp_path / name / "form").mkdir(parents=True)
        (tmp_path / name / "form" / "model.onnx").write_bytes(bytes(100))
    os.link(tmp_path / "kept/form/model.onnx", tmp_path / "kept/form/again.onnx")
    assert tidy(tmp_path, {"kept"}) == 100
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert tidy(tmp_path / "nowhere", {"kept"}) == 0


def test_models_are_built_side_by_side_as_far_as_they_fit() -> None:
    needs = {"a": 3, "b": 3, "c": 3, "huge": 99, "d": 1, "e": 1, "f": 1}
    assert waves(needs, 6, 2) == [["a", "b"], ["c"], ["huge"], ["d", "e"], ["f"]]
    assert waves(needs, 0, 2) == [[name] for name in needs]
    assert waves({}, 6, 2) == []


def test_peak_of_the_last_build_is_the_guess_for_the_next(embedder: Make) -> None:
    project = embedder()
    peaks = Peaks(project)
    guess = peaks.needs(["tiny"])["tiny"]
    assert 1 << 30 < guess < 1 << 31
    peaks.note("tiny", 12345)
    assert Peaks(project).needs(["tiny"]) == {"tiny": 12345}
    (project.root / ".slipway/peaks.json").write_text("[" * 100_000)
    assert peaks.needs(["tiny"]) == {"tiny": guess}
