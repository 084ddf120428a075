"""The model server against raw `session.run`, in interleaved rounds of one run.

    python benchmarks/serving.py [--model FOLDER_OR_ARCHIVE] [--rounds 15] [--seconds 1.0]

`raw` is what the runtime gives to a program that does nothing else: tokens ready, output thrown away. With one caller
its session has all threads; with sixteen it has one thread a call and as many callers as threads, the best of the
arrangements that were measured. `predict` adds the tokenizer and the pooling, in process. `server` is all of it over
HTTP, from one process with plain sockets and epoll, on the same cores; `single` asks the model for each request by
itself, `workers` are as many processes as cores. Ratios are to `raw` within one round.
"""
# ruff: noqa: E402  the environment and the path come before what reads them

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
from typing import TYPE_CHECKING, Any

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # as the server has it
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PROJECT = Path(__file__).resolve().parents[1]
sys.path[0] = str(PROJECT)  # instead of this folder, where this file would be `serving`

from benchmarks.load import SENTENCE, Client, Raw, Series, newest_artifact, quartiles, running_server, unpacked
from serving import runtimes
from serving.manifest import Tokenize
from serving.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable

CONCURRENCIES = (1, 16)
HTTP = ("server", "single", "workers")


def raw_call(folder: Path, model: Model, threads: int, calls: int, inputs: list[Any]) -> Callable[[], object]:
    """Return a call of the runtime alone, on tensors that are ready."""
    manifest = model.manifest
    file = folder / manifest.model_file
    session = runtimes.load(manifest.runtime, file, threads=threads, calls=calls, options=manifest.options)
    return partial(session.run, manifest.outputs[0].name, model.preprocess(inputs))


def contestants(
    folder: Path, clients: dict[str, Client], threads: int, inputs: list[Any]
) -> dict[tuple[str, int], Raw | Client]:
    result: dict[tuple[str, int], Raw | Client] = {}
    for callers in CONCURRENCIES:
        width, calls = (threads, 1) if callers == 1 else (1, threads)
        model = Model.load(folder, threads=threads).with_threads(width, calls)
        result["raw", callers] = Raw(raw_call(folder, model, width, calls, inputs))
        result["predict", callers] = Raw(partial(model.predict, inputs))
        result |= {(name, callers): client for name, client in clients.items()}
    return result


def race(folder: Path, *, threads: int, rounds: int, seconds: float) -> dict[tuple[str, int], Series]:
    manifest = Model.load(folder, threads=1).manifest
    inputs = [SENTENCE] if isinstance(manifest.preprocess, Tokenize) else manifest.example
    body = json.dumps({"inputs": inputs}).encode()
    with ExitStack() as running:
        ports = {
            "server": running.enter_context(running_server(folder, threads)),
            "single": running.enter_context(running_server(folder, threads, SLIPWAY_BATCH_SIZE="1")),
            "workers": running.enter_context(running_server(folder, 1, SLIPWAY_WORKERS=str(threads))),
        }
        field_ = contestants(folder, {name: Client(port, body) for name, port in ports.items()}, threads, inputs)
        series = {key: Series() for key in field_}
        for number in range(rounds + 1):
            for key in random.sample(list(field_), len(field_)):
                kind, callers = key
                latencies = field_[key].drive(callers if kind in HTTP else min(callers, threads), seconds)
                if number > 0:  # the first round warms up
                    series[key].add(latencies, seconds)
    return series


def report(series: dict[tuple[str, int], Series]) -> None:
    print("callers  of        answers/s      ratio to raw (p25-p75)    p50 ms    p99 ms")
    for callers in CONCURRENCIES:
        for kind in ("raw", "predict", *HTTP):
            mine, raw = series[kind, callers], series["raw", callers]
            low, middle, high = quartiles([a / b for a, b in zip(mine.rates, raw.rates, strict=True)])
            cuts = statistics.quantiles(mine.latencies, n=100)
            print(
                f"{callers:7d}  {kind:8s} {statistics.median(mine.rates):10.1f}"
                f"      {middle:5.3f} ({low:.3f}-{high:.3f})      {cuts[49] * 1000:9.3f} {cuts[98] * 1000:9.3f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="an artifact's folder or archive; default: the newest of minilm")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    with unpacked(options.model or newest_artifact("minilm")) as folder:
        report(race(folder, threads=options.threads, rounds=options.rounds, seconds=options.seconds))


if __name__ == "__main__":
    main()
