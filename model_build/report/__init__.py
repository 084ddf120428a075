"""A page of figures, whole in itself: no script, nothing loaded from anywhere, the same bytes for the same figures."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_build.report.bars import bars
from model_build.report.picture import picture
from model_build.report.words import FILTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from slipway.specs import Manifest

FOLDER = Path(__file__).parent


def artifact_page(manifest: Manifest) -> str:
    """Return the report of one artifact."""
    return _page("artifact.html.j2", title=f"{manifest.served.name} for {manifest.served.target}", models=[manifest])


def build_page(manifests: Sequence[Manifest]) -> str:
    """Return the report of all models of a build, by name."""
    ordered = sorted(manifests, key=lambda manifest: manifest.served.name)
    count = f"{len(ordered)} model{'' if len(ordered) == 1 else 's'}"
    return _page("build.html.j2", title=f"Build of {count}", models=ordered)


def _page(template: str, *, title: str, models: Sequence[Manifest]) -> str:
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    shown = [{"manifest": it, "picture": picture(it), "bars": bars(it)} for it in models]
    return _environment().get_template(template).render(title=title, style=style, style_hash=digest, models=shown)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = FILTERS
    environment.filters.update(filters)
    return environment
