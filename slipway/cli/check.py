from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Format
from slipway.cli.output import answer
from slipway.specs import UsageError

if TYPE_CHECKING:
    from slipway.preflight import Finding


class CheckFormat(StrEnum):
    """How findings are given: for eyes, as one JSON document, or as SARIF for code scanning."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def check(
    *,
    template: Annotated[list[Path] | None, typer.Option(help="template, JSON or YAML; may be repeated")] = None,
    region: Annotated[str | None, typer.Option(help="where it is meant to go; else types are checked nowhere")] = None,
    output: Annotated[CheckFormat, typer.Option("--format", help="text, json or sarif")] = CheckFormat.TEXT,
) -> None:
    """Find what a hosting template would fail at, or never do, before it is deployed."""
    from slipway.catalog import regions
    from slipway.preflight import check as check_template
    from slipway.preflight import has_errors, read_template

    if not template:
        raise UsageError("no template is given: name one with --template FILE")
    if region is not None and region not in regions():
        raise UsageError(f"'{region}' is not a region that sells SageMaker hosting")
    documents = {str(path): read_template(path) for path in template}
    found = {path: check_template(document, region=region) for path, document in documents.items()}
    _say(output, found)
    if any(has_errors(findings) for findings in found.values()):
        raise typer.Exit(1)


def _say(output: CheckFormat, found: dict[str, list[Finding]]) -> None:
    from slipway.cli.check_page import page
    from slipway.preflight.report import as_data, as_sarif

    document: dict[str, Any] = {"findings": [as_data(each) | {"file": file} for file in found for each in found[file]]}
    if output is CheckFormat.SARIF:
        document = as_sarif(found)
    answer(Format.TEXT if output is CheckFormat.TEXT else Format.JSON, document, page(found))
