"""Answers for eyes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.markup import escape
from rich.segment import Segment
from rich.style import Style
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from model_build import BuildResult, Rehearsal
    from slipway.demo import DemoResult

WITHOUT_EDGE = 1000
"""Columns of a log or a pipe, where nothing has to be folded."""

GAP = "  "
MOST_SHARE = 10
METRIC_WORDS = {
    "cosine_similarity": "cosine",
    "accuracy": "accuracy",
    "r_squared": "R²",
    "next_token_agreement": "agreement",
    "kl_similarity": "KL similarity",
    "perplexity_ratio": "perplexity ratio",
}


class Rows:
    """Rows under their headings: as a table where it fits, else each as a block of its own, so that no word is cut.

    Args:
        columns: The headings; the first one names a row.
    """

    def __init__(self, *columns: str) -> None:
        self._columns = columns
        self._rows: list[tuple[str, ...]] = []

    def add(self, *cells: str) -> None:
        """Add a row."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw whichever form fits."""
        lines = _aligned([self._columns, *self._rows])
        if cell_len(lines[0]) <= options.max_width:
            yield Segment(f"{lines[0]}\n", Style(bold=True))
            yield Segment("".join(f"{line}\n" for line in lines[1:]))
            return
        for row in self._rows:
            yield f"[bold]{escape(row[0])}[/bold]"
            block = _table("", "", headings=False)
            for column, cell in zip(self._columns[1:], row[1:], strict=True):
                block.add_row(f"  {column}", escape(cell))
            yield block


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines of one width; rich's own table takes a second for a thousand of them."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [GAP.join(map(set_cell_size, row, widths)) for row in rows]


def build_table(results: Sequence[BuildResult]) -> Rows:
    """Each model with its size, speed and proof against the original."""
    table = Rows("model", "digest", "state", "size", "of original", "faster", "proof", "recipe")
    for result in results:
        table.add(
            result.name,
            result.digest[:12],
            "built" if result.built else "unchanged",
            f"{result.size_bytes / 1e6:.1f} MB",
            _share(result.size_bytes / result.reference_bytes),
            ", ".join(f"{row.ratio:.1f}x at {row.shape}" for row in result.per_token or result.benchmark),
            f"{METRIC_WORDS[result.metric]} {result.value:.4f}",
            result.recipe,
        )
    return table


def rehearsal_table(rehearsals: Sequence[Rehearsal]) -> Rows:
    """What came of each recipe for a GPU that is not here."""
    table = Rows("recipe", "model", "GPU", "came to", "on the processor", "engine", "why no further")
    for rehearsal in rehearsals:
        for each in rehearsal.tried:
            table.add(
                each.recipe,
                rehearsal.name,
                f"SM {rehearsal.sm}",
                each.outcome,
                "" if each.value is None else f"{each.value:.6f}",
                "" if each.size_bytes is None else f"{each.size_bytes / 1e6:.1f} MB in {each.seconds} s",
                each.reason,
            )
    return table


def _share(ratio: float) -> str:
    """Write a share of the original, which says nothing where the original is all but empty."""
    return f"{ratio:.0%}" if ratio <= MOST_SHARE else f"over {MOST_SHARE:.0%}"


def demo_page(result: DemoResult) -> Group:
    """The tour's table, and how to keep playing."""
    table = Rows("endpoint", "kind", "server", "model", "size of original", "faster", "proof", "checked", "an answer")
    for row in result.endpoints:
        table.add(
            f"{row.name}/{row.container or row.variant}",
            row.kind,
            row.server,
            row.model,
            _share(row.size_ratio),
            "" if row.latency_ratio is None else f"{row.latency_ratio:.1f}x at {row.latency_shape}",
            f"{METRIC_WORDS[row.metric]} {row.value:.4f}",
            f"{'yes' if row.answer_checked else 'NO'}, {row.agreement:.4f} on {row.samples}",
            row.answer,
        )
    fronts = [
        f"front {row.url}: {row.status}, {'checked' if row.answer_checked else 'NOT the original'}, {row.agreement:.4f}"
        for row in result.fronts
    ]
    places = {
        f"{row.server} is not here, in its place answers: {row.stand_in}" for row in result.endpoints if row.stand_in
    }
    return Group(table, *fronts, *sorted(places), _afterwards(result.kept))


def _afterwards(kept: Mapping[str, str] | None) -> str:
    if kept is None:
        return "\nEverything was taken down. `make demo KEEP=1` leaves the cloud up to play with."
    return f"\nThe local cloud on {kept['AWS_ENDPOINT_URL']} stays up. To play on:\n{_PLAY}"


_PLAY = """\
  .venv/bin/slipway invoke sentence-embedder
  .venv/bin/slipway local status
  eval "$(.venv/bin/slipway local env)"    # now cdk and boto3 talk to it
  npx cdk diff                             # or deploy, destroy
  .venv/bin/slipway local down             # when you are done"""


def how_to_use(cloud: Any) -> str:
    """Say how to point cdk and boto3 at a local cloud."""
    return f"The local cloud is up on {cloud.url} (process {cloud.pid}). Next:\n{_DEPLOY}"


_DEPLOY = """\
  eval "$(.venv/bin/slipway local env)"    # now cdk and boto3 talk to it
  npx cdk bootstrap
  npx cdk deploy --all --require-approval never
  .venv/bin/slipway invoke sentence-embedder
  .venv/bin/slipway local down             # when you are done"""


def exports(variables: Mapping[str, str]) -> str:
    """Write variables as a shell reads them."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def clouds_table(clouds: Sequence[Mapping[str, Any]]) -> Rows | str:
    """Every local cloud with its endpoints and processes."""
    if not clouds:
        return "no local cloud of this project is running: `slipway local up` starts one"
    table = Rows("endpoint", "status", "backlog", "servers", "cloud")
    for cloud in clouds:
        name = f"{cloud['url']} (pid {cloud['pid']})"
        for endpoint in cloud["endpoints"] or [
            {"name": "-", "status": "-", "backlog": 0, "variants": [], "components": []}
        ]:
            running = (*endpoint["variants"], *endpoint["components"])
            servers = ", ".join(server for one in running for server in _servers(one))
            table.add(endpoint["name"], endpoint["status"], str(endpoint["backlog"]), servers, name)
    return table


def _servers(variant: Mapping[str, Any]) -> list[str]:
    """Name each server process of a variant or an inference component."""
    containers = variant["containers"]
    if "copies" in variant and not containers:
        return [f"{variant['name']} without a copy"]
    return [
        f"{variant['name']}{'' if len(containers) == 1 else '/' + one['name']} {_process(one)}" for one in containers
    ]


def _process(container: Mapping[str, Any]) -> str:
    where = "asleep" if container["asleep"] else f"pid {container['pid']} port {container['port']}"
    return f"{where} ({container['stand_in']})" if container["stand_in"] else where


def _table(*columns: str, headings: bool = True) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=headings)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
