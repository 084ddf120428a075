"""Sorting, filtering and paging of SageMaker's lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from .paging import page

_PAGE: Final = 10


def listed(
    member: str, params: dict[str, Any], summaries: list[dict[str, Any]], *, name: str | None = None
) -> dict[str, Any]:
    """Return one page of summaries.

    Args:
        member: Of the answer, as in ``Models``.
        params: The request: filters, order and page.
        summaries: All that there is, in creation order.
        name: Member of a summary that names it.
            Default: the singular of the answer's with ``Name``.
    """
    name_key = f"{member.removesuffix('s')}Name" if name is None else name
    chosen = [summary for summary in summaries if _matches(summary, params, name_key)]
    by_name = params.get("SortBy") == "Name"
    chosen.sort(key=lambda summary: (summary[name_key],) if by_name else (summary["CreationTime"], summary[name_key]))
    if params.get("SortOrder", "Descending") == "Descending":
        chosen.reverse()
    items, rest = page(chosen, params, _PAGE, "ValidationException")
    return {member: items, **rest}


def _matches(summary: dict[str, Any], params: dict[str, Any], name_key: str) -> bool:
    if params.get("NameContains", "").lower() not in summary[name_key].lower():
        return False
    return all(
        _between(summary[key], params.get(f"{key}After"), params.get(f"{key}Before"))
        for key in ("CreationTime", "LastModifiedTime")
        if key in summary
    )


def _between(moment: float, after: float | str | None, before: float | str | None) -> bool:
    return (after is None or moment > _seconds(after)) and (before is None or moment < _seconds(before))


def _seconds(moment: float | str) -> float:
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else moment
