from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from slipway.specs import SpecError
from slipway.specs.reader import MAX_BYTES, read


def refusal(path: Path) -> str:
    with pytest.raises(SpecError) as refused:
        read(path, "a.yaml")
    (problem,) = refused.value.problems
    return f"{problem.line} {problem.message}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.yaml"


def test_read_refuses_what_is_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "0 is not a file"
    assert refusal(tmp_path / "missing.yaml") == "0 cannot be read: no such file or directory"
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    assert refusal(tmp_path / "circle.yaml") == "0 cannot be read: too many levels of symbolic links"


def test_read_refuses_what_the_system_cannot_read() -> None:
    assert refusal(Path("/proc/self/mem")) == "0 cannot be read: input/output error"


def test_read_takes_one_mebibyte_and_no_byte_more(file: Path) -> None:
    file.write_bytes(b"a: b\n" + b"#" * (MAX_BYTES - 5))
    assert read(file, "a.yaml").data == {"a": "b"}
    file.write_bytes(b"a: b\n" + b"#" * (MAX_BYTES - 4))
    assert refusal(file) == "0 is too large: at most 1,048,576 bytes are read"


@pytest.mark.parametrize("text", ["[", "{a: ", "- ", "? ", "[a, ", "{? "])
def test_read_survives_a_mebibyte_of_levels(file: Path, text: str) -> None:
    file.write_text(text * (MAX_BYTES // len(text)))
    assert refusal(file) == "1 is nested more than 16 levels deep: no spec is"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-5", -5),
        ("+5", 5),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("12:30:45", "12:30:45"),
        ("2026-11-20", "2026-11-20"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("0.0", 0.0),
        ("'010'", "010"),
        ('"true"', "true"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
    ],
)
def test_plain_word_means_what_editors_read(file: Path, written: str, meant: object) -> None:
    file.write_text(f"a: {written}\n")
    document = read(file, "a.yaml")
    assert (document.problems, document.data) == ([], {"a": meant})
    assert type(document.data["a"]) is type(meant)


def test_both_parsers_of_yaml_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Path(__file__).parent
    files = [*corpus.glob("valid/*/*.yaml"), *corpus.glob("invalid/*/*.yaml")]
    fast = [_outcome(path) for path in files]
    monkeypatch.delattr(yaml, "CBaseLoader")
    assert [_outcome(path) for path in files] == fast


def test_lock_of_nine_thousand_models_is_read_by_libyaml(file: Path) -> None:
    file.write_text("models:\n" + "".join(f"  m{i}: {{digest: {i}, archive: {{size: {i}}}}}\n" for i in range(1, 9000)))
    began = time.process_time()
    assert len(read(file, "a.yaml").data["models"]) == 8999
    assert time.process_time() - began < 5, "libyaml is not used: the rest takes ten times as long"


def test_all_that_yaml_can_do_wrong_is_said_at_once(file: Path) -> None:
    file.write_text("a: &x 1\nb: *x\nc: !!int 1\nd: 1\nd: 2\n1: e\nf: .inf\n")
    lines = [problem.line for problem in read(file, "a.yaml").problems]
    assert lines == [1, 2, 3, 5, 6, 7]


def test_position_of_a_value_below_its_key_is_the_key(file: Path) -> None:
    file.write_text("# first\na:\n  - b\n\n  - c: 5\n")
    positions = read(file, "a.yaml").positions
    lines = {path: position.line for path, position in positions.items()}
    assert lines == {(): 2, ("a",): 2, ("a", 0): 3, ("a", 1): 5, ("a", 1, "c"): 5}


def _outcome(path: Path) -> object:
    try:
        document = read(path, path.name)
    except SpecError as error:
        return error.problems
    return document.data, document.positions, document.problems
