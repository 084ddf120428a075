"""Tables on terminals of several widths."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from slipway.cli.tables import WITHOUT_EDGE, Rows, clouds_table

RECIPE = "export(opset=23) > optimize > quantize_dynamic(per_channel=True, op_types=MatMul+Gemm+Gather)"


def drawn(width: int) -> list[str]:
    rows = Rows("model", "digest", "recipe")
    rows.add("minilm-fp32", "b16adda6f6e8", RECIPE)
    page = io.StringIO()
    Console(file=page, width=width).print(rows)
    return page.getvalue().splitlines()


def test_rows_are_one_line_each_when_nothing_bounds_them() -> None:
    headings, row = drawn(WITHOUT_EDGE)
    assert headings.split() == ["model", "digest", "recipe"]
    assert row.split(maxsplit=2) == ["minilm-fp32", "b16adda6f6e8", RECIPE]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_rows_are_blocks_and_no_word_is_cut_when_the_table_is_too_wide(width: int) -> None:
    lines = drawn(width)
    assert lines[0] == "minilm-fp32"
    assert lines[1].split() == ["digest", "b16adda6f6e8"]
    assert all(len(line) <= width for line in lines)
    assert " ".join(" ".join(lines[2:]).split()) == f"recipe {RECIPE}"


def test_server_that_nobody_needs_is_shown_asleep() -> None:
    server = {"name": "primary", "pid": None, "port": 40_000, "ready": False, "asleep": True, "stand_in": ""}
    awake = {**server, "pid": 7, "ready": True, "asleep": False}
    variants = [
        {"name": "cold", "weight": 1.0, "containers": [server]},
        {"name": "warm", "weight": 1.0, "containers": [awake]},
        {"name": "other", "weight": 1.0, "containers": [{**awake, "stand_in": "a host, not DJL"}]},
    ]
    endpoint = {"name": "e", "status": "InService", "backlog": 0, "variants": variants, "components": []}
    page = io.StringIO()
    Console(file=page, width=WITHOUT_EDGE).print(clouds_table([{"url": "url", "pid": 1, "endpoints": [endpoint]}]))
    assert "cold asleep, warm pid 7 port 40000, other pid 7 port 40000 (a host, not DJL)" in page.getvalue()
