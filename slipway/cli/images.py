from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Format, FormatOption
from slipway.cli.output import answer
from slipway.specs import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.catalog import HostingImage

SOON_DAYS = 90


def images(
    *,
    server: Annotated[str | None, typer.Option(help="of one server or repository, such as djl-lmi")] = None,
    region: Annotated[str | None, typer.Option(help="that this region has, by the names it pulls them by")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="the newest of each kind alone")] = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """List the images that AWS publishes for hosting, and warn of those whose patches ended or end within 90 days."""
    from slipway.catalog import images_taken

    today = dt.datetime.now(tz=dt.UTC).date()
    rows = [_row(image, region, today) for image in _chosen(server, region, newest=newest)]
    document = {"taken": images_taken().isoformat(), "today": today.isoformat(), "region": region, "images": rows}
    answer(output, document, _page(rows, region))


def _chosen(server: str | None, region: str | None, *, newest: bool) -> list[HostingImage]:
    from slipway.catalog import hosting_images, newness, publishing_regions
    from slipway.specs.suggest import did_you_mean

    if region is not None and region not in publishing_regions():
        raise UsageError(
            f"'{region}' is not a region that AWS publishes to{did_you_mean(region, publishing_regions())}"
        )
    every = [image for held in hosting_images().values() for image in held]
    known = {name for image in every for name in (image.server, image.repository)}
    if server is not None and server not in known:
        raise UsageError(
            f"'{server}' is no server and no repository of AWS's images{did_you_mean(server, sorted(known))}"
        )
    found = [
        image
        for image in every
        if server in (None, image.server, image.repository) and (region is None or region in image.regions)
    ]
    found.sort(key=lambda image: (image.server, image.repository, _kind(image), newness(image)))
    return [*{(image.server, image.repository, *_kind(image)): image for image in found}.values()] if newest else found


def _kind(image: HostingImage) -> tuple[str, str]:
    return image.accelerator or "", image.architecture


def _row(image: HostingImage, region: str | None, today: dt.date) -> dict[str, Any]:
    from slipway.catalog import end_of_life, image_uri

    end = end_of_life(image.repository, image.tag)
    name = f"{image.repository}:{image.tag}"
    return {
        "server": image.server,
        "image": name
        if region is None
        else image_uri(image.repository, image.tag, region, image.accelerator, image.architecture),
        "accelerator": image.accelerator,
        "architecture": image.architecture,
        "python": image.python,
        "cuda": image.cuda,
        "regions": len(image.regions),
        "end_of_life": None if end is None else end.isoformat(),
        "warning": warning(end, today),
    }


def warning(end: dt.date | None, today: dt.date) -> str | None:
    """Say what is wrong with the day of an image's last patch; None where that is far off, or nobody names it."""
    if end is None or (end - today).days > SOON_DAYS:
        return None
    days = (end - today).days
    if days == 0:
        return "ends today"
    counted = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"ended {counted} ago" if days < 0 else f"ends in {counted}"


def _page(rows: Sequence[dict[str, Any]], region: str | None) -> Any:
    from rich.console import Group

    from slipway.cli.tables import Rows

    table = Rows("image", "server", "for", "python", "cuda", "regions", "last patch", "warning")
    for row in rows:
        built_for = " ".join(word for word in (row["accelerator"], row["architecture"]) if word)
        shown = (row["python"], row["cuda"], str(row["regions"]), row["end_of_life"], row["warning"])
        table.add(row["image"], row["server"], built_for, *(cell or "-" for cell in shown))
    return Group(table, *_summary(rows, region))


def _summary(rows: Sequence[dict[str, Any]], region: str | None) -> Iterator[str]:
    from slipway.catalog import images_taken

    place = "" if region is None else f" in {region}"
    warned = sum(row["warning"] is not None for row in rows)
    yield f"\n{len(rows)} images{place}, as of {images_taken()}; {warned} ended or end within {SOON_DAYS} days"
