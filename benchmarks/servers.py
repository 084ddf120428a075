"""Our server, TorchServe, Triton and LitServe against raw `session.run`, in interleaved rounds of one run.

    python -m benchmarks.servers [--model FOLDER_OR_ARCHIVE] [--rounds 7] [--seconds 1.0]

All serve the same ONNX file with the same tokenizer, and answer the same texts, some thousands of this project's own
documents, of 16 tokens each; what they answer to one is compared first.
Each has as many threads as there are cores. With one caller a peer has one worker, whose session has all of them; with
more it has as many workers as cores, each with one thread: the better of both for it. Ours is one process either way
(`server`), and as many workers as the others (`workers`).
`bare` is a thread a connection around the same model code, without HTTP, checks, counts or joined requests: what a
server in Python costs at the least.
`raw` is ONNX Runtime in a program that does nothing else: with one caller a session with all threads, with more as many
callers as threads, of which each call has one. All share the cores with the load, which comes from one thread with
plain sockets. Ratios are to `raw` within one round.
"""

# ruff: noqa: E402  the environment comes before what reads it

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import httpx
import numpy as np

from benchmarks.load import PROJECT, SENTENCE, Client, Raw, Series, newest_artifact, quartiles, unpacked
from benchmarks.peers import JSON, PEERS, Server
from serving import runtimes
from serving.model import Model

ALONE, TOGETHER = (1,), (4, 16, 64)
CUTS, SHORTEST, LONGEST = 40_000, 6, 13
Races = dict[tuple[str, int], Series]


def require_same_answers(servers: dict[str, Server], model: Model) -> None:
    """End the program where a server answers otherwise than the model itself."""
    expected = model.predict([SENTENCE])
    for name, server in servers.items():
        answer = httpx.post(
            f"http://127.0.0.1:{server.port}/invocations", content=server.body([SENTENCE]), headers=JSON
        )
        if not np.allclose(np.asarray(server.vectors(answer.json())), expected, atol=1e-5):
            raise SystemExit(f"{name} answers otherwise than the model")


def alike(folder: Path) -> list[str]:
    """Return different texts that are as long as `SENTENCE`, in tokens, cut out of this project's documents."""
    read = Model.load(folder, threads=1).preprocess
    chance = random.Random(0)  # noqa: S311  a choice, not a secret
    words = " ".join(page.read_text() for page in sorted((PROJECT / "docs").rglob("*.md"))).split()
    starts = chance.sample(range(len(words) - LONGEST), CUTS)
    cuts = [" ".join(words[start : start + chance.randint(SHORTEST, LONGEST)]) for start in starts]
    length = read([SENTENCE])["input_ids"].shape
    return [text for text in cuts if read([text])["input_ids"].shape == length]


def raw(folder: Path, threads: int, calls: int) -> Raw:
    model = Model.load(folder, threads=threads)
    manifest = model.manifest
    file = folder / manifest.model_file
    session = runtimes.load(manifest.runtime, file, threads=threads, calls=calls, options=manifest.options)
    return Raw(partial(session.run, manifest.outputs[0].name, model.preprocess([SENTENCE])))


def race(folder: Path, callers: tuple[int, ...], cores: int, rounds: int, seconds: float, chosen: list[str]) -> Races:
    workers, threads = (1, cores) if callers == ALONE else (cores, 1)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(PEERS[name](folder, workers, threads)) for name in chosen}
        require_same_answers(servers, Model.load(folder, threads=1))
        texts = alike(folder)
        clients = {
            name: Client(server.port, *(server.body([text]) for text in texts)) for name, server in servers.items()
        }
        field: dict[str, Raw | Client] = {"raw": raw(folder, threads, workers), **clients}
        return _rounds(field, callers, cores, rounds, seconds)


def _rounds(field: dict[str, Raw | Client], callers: tuple[int, ...], cores: int, rounds: int, seconds: float) -> Races:
    series = {(name, count): Series() for name in field for count in callers}
    for number in range(rounds + 1):
        for name, count in random.sample(list(series), len(series)):
            at_once = min(count, cores) if name == "raw" else count
            latencies = field[name].drive(at_once, seconds)
            if number > 0:  # the first round warms up
                series[name, count].add(latencies, seconds)
        sys.stderr.write(f"round {number} of {rounds}, load {os.getloadavg()[0]:.1f}\n")
    return series


def rows(series: Races) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    for (name, callers), mine in series.items():
        low, middle, high = quartiles(_ratios(mine, series["raw", callers]))
        cuts = statistics.quantiles(mine.latencies, n=100)
        row: dict[str, Any] = {"callers": callers, "of": name, "answers_per_second": statistics.median(mine.rates)}
        row |= {"ratio": middle, "ratio_p25": low, "ratio_p75": high}
        row |= {"p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000}
        if ("server", callers) in series:
            row["ours"] = statistics.median(_ratios(series["server", callers], mine))
        result.append(row)
    return sorted(result, key=lambda row: row["callers"])


def _ratios(mine: Series, other: Series) -> list[float]:
    return [a / b for a, b in zip(mine.rates, other.rates, strict=True)]


def report(result: list[dict[str, Any]]) -> None:
    print(
        "| callers | of | answers/s | of raw (p25-p75) | p50 ms | p99 ms | ours / this |\n|---|---|---|---|---|---|---|"
    )
    for row in result:
        print(
            "| {callers} | {of} | {answers_per_second:.0f} | {ratio:.3f} ({ratio_p25:.3f}-{ratio_p75:.3f})"
            " | {p50_ms:.2f} | {p99_ms:.2f} | {ours:.2f} |".format(**{"ours": float("nan"), **row})
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="artifact's folder or archive; default: the newest of minilm-fp32")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--servers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--json", type=Path, help="write the rows there as well")
    options = parser.parse_args()
    with unpacked(options.model or newest_artifact("minilm-fp32")) as folder:
        series: Races = {}
        for callers in (ALONE, TOGETHER):
            series |= race(folder, callers, options.threads, options.rounds, options.seconds, options.servers)
    report(rows(series))
    if options.json:
        options.json.write_text(json.dumps(rows(series), indent=1))


if __name__ == "__main__":
    main()
