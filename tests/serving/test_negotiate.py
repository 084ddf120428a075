from __future__ import annotations

import pytest

from serving import negotiate
from serving.errors import RequestError
from serving.negotiate import JSON, NPY


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
        ("application/x-npy", NPY),
        ("application/json;q=0.5, application/x-npy", NPY),
        ("application/x-npy;q=0.5, */*", JSON),
        ("application/x-npy, */*;q=0.1", NPY),
        ("application/json;q=0, */*", NPY),
        ("text/html, application/json;q=0.1", JSON),
        ("text/html, application/*;q=0.2, application/x-npy;q=0.3", NPY),
        ("application/json;q=rubbish, application/x-npy;q=0.001", NPY),
        (" application/x-npy ; q=1.0 ,", NPY),
    ],
)
def test_answer_type_follows_the_weights(accept: str, wanted: str) -> None:
    assert negotiate.answer_type(accept.encode()) == wanted


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0", "json", "text/*", ",", "*/*;q=7"])
def test_answer_type_refuses_what_cannot_be_met(accept: str) -> None:
    with pytest.raises(RequestError) as caught:
        negotiate.answer_type(accept.encode())
    assert caught.value.status == 406
    assert accept in caught.value.message
    assert "application/json or application/x-npy or application/jsonlines can" in caught.value.message


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", JSON),
        ("application/json", JSON),
        ("Application/JSON ; charset=UTF-8", JSON),
        ('application/json; charset="utf-8"', JSON),
        ("application/x-npy", NPY),
    ],
)
def test_request_type_reads_parameters(content: str, wanted: str) -> None:
    assert negotiate.request_type(content.encode(), (JSON, NPY)) == wanted


@pytest.mark.parametrize("content", ["text/plain", "application/json; charset=utf-16", "application/x-npy", "*/*"])
def test_request_type_refuses_what_the_model_does_not_take(content: str) -> None:
    with pytest.raises(RequestError) as caught:
        negotiate.request_type(content.encode(), (JSON,))
    assert caught.value.status == 415
    assert "application/json is" in caught.value.message


def test_long_header_is_neither_kept_nor_repeated() -> None:
    long, before = b"x" * 1_000_000, kept()
    with pytest.raises(RequestError) as caught:
        negotiate.answer_type(b"*/*, " + long)
    assert len(caught.value.message) < 500
    with pytest.raises(RequestError) as caught:
        negotiate.request_type(b"application/json; a=" + long, (JSON,))
    assert len(caught.value.message) < 500
    assert kept() == before


def kept() -> tuple[int, int]:
    return negotiate.answer_type.cache_info().currsize, negotiate.request_type.cache_info().currsize
