"""Tables on terminals of several widths."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from slipway.cli.tables import WITHOUT_EDGE, Rows

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
