"""Options of our own server become the variables that it reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from serving.errors import SettingError
from serving.settings import read
from slipway.specs.artifact import Artifact
from slipway.specs.servers import OnnxRuntime
from slipway.specs.servers.own_settings import ELSEWHERE, NUMBERS, TEXTS, WORDS, unread
from tests.specs.test_packing import LOCKED

ARTIFACT = Artifact("digits", LOCKED, Path("model.tar.gz"))


def test_every_option_is_a_setting_of_the_server() -> None:
    options = {"workers": 2, "threads": 3, "queue_limit": 0, "batch_size": 8, "batch_delay_us": 5, "max_batch": 9}
    options |= {"drain_seconds": 7, "emf": True, "request_seconds": 90, "stream_seconds": 900}
    options |= {"max_body_bytes": 10}
    assert set(OnnxRuntime.model_fields) == {"name", *options}
    settings = read(OnnxRuntime(name="onnxruntime", **options).variables(ARTIFACT, None))  # type: ignore[arg-type]
    assert {key: getattr(settings, key) for key in options} == options


def test_server_waits_as_long_as_its_callers_unless_it_is_told_otherwise() -> None:
    assert read(OnnxRuntime(name="onnxruntime").patience(3600)).request_seconds == 3600
    assert OnnxRuntime(name="onnxruntime", request_seconds=90).patience(3600) == {}


def test_server_that_is_only_named_is_told_nothing() -> None:
    assert OnnxRuntime(name="onnxruntime").variables(ARTIFACT, None) == {}


@pytest.mark.parametrize(("batch_size", "refused"), [(None, []), (1, []), (8, [("batch_size",)])])
def test_generations_are_not_joined(batch_size: int | None, refused: list[tuple[str, ...]]) -> None:
    writer = Artifact("writer", LOCKED.model_copy(update={"per_token": ()}), Path("model.tar.gz"))
    server = OnnxRuntime(name="onnxruntime", batch_size=batch_size)
    assert [key for key, _ in server.problems(writer, None)] == refused


@pytest.mark.parametrize(("name", "bounds"), NUMBERS.items())
def test_numbers_are_bounded_as_the_server_bounds_them(name: str, bounds: tuple[int, int]) -> None:
    for value in bounds:
        read({name: str(value)})
        assert list(unread({name: str(value)})) == []
    for value in (bounds[0] - 1, bounds[1] + 1):
        with pytest.raises(SettingError, match=name):
            read({name: str(value)})
        assert [found for found, _ in unread({name: str(value)})] == [name]


@pytest.mark.parametrize(("name", "words"), WORDS.items())
def test_words_are_those_of_the_server(name: str, words: tuple[str, ...]) -> None:
    for word in words:
        read({name: word})
    with pytest.raises(SettingError, match=", ".join(words)):
        read({name: "perhaps"})


def test_every_variable_of_the_server_is_known() -> None:
    source = (Path(__file__).parents[3] / "serving" / "settings.py").read_text()
    assert set(re.findall(r"SLIPWAY_[A-Z_]+", source)) == {*NUMBERS, *WORDS, *TEXTS, *ELSEWHERE}


def test_what_is_resolved_later_is_not_judged() -> None:
    assert list(unread({"SLIPWAY_THREADS": "{{resolve:ssm:/threads}}", "OTHERS": "x", "SLIPWAY_WORKERS": ""})) == []
