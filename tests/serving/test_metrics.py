"""What the server tells Prometheus and CloudWatch, held to what was asked of it."""

from __future__ import annotations

import json
import math
import re
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.serving.conftest import Server

QUICK = {"inputs": [[0.5, 0.1, 0.2, 0.3]]}

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z]+="[^"\\\n]*",?)*)\})? (\S+)')

# The constraints of "Specification: Embedded metric format", Amazon CloudWatch's user guide.
RATES = [f"{size}{kind}" for kind in ("bytes", "bits") for size in ("", "Kilo", "Mega", "Giga", "Tera")]
UNITS = {"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"} | {
    unit[0].upper() + unit[1:] + rate for unit in RATES for rate in ("", "/Second")
}
EMF = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "additionalProperties": False,
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": {"type": "string", "minLength": 1, "maxLength": 1024},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "Name": {"type": "string", "minLength": 1, "maxLength": 1024},
                                        "Unit": {"enum": sorted(UNITS)},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}


def samples(server: Server) -> dict[str, float]:
    """Return every sample by its name and labels; what is no line of the format fails."""
    answer = server.ask(method="GET", path="/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    text = answer.body.decode()
    assert text.endswith("\n")
    found: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for line in text.splitlines():
        if (head := re.fullmatch(r"# TYPE (\S+) (counter|gauge|histogram)", line)) is not None:
            assert head[1] not in kinds
            kinds[head[1]] = head[2]
        elif re.fullmatch(r"# HELP \S+ \S.*", line) is None:
            sample = SAMPLE.fullmatch(line)
            assert sample is not None, line
            family = sample[1] if sample[1] in kinds else re.sub("_(bucket|sum|count)$", "", sample[1])
            assert (kinds[family] == "histogram") == (family != sample[1])
            key = sample[1] + (f"{{{sample[2]}}}" if sample[2] else "")
            assert key not in found
            found[key] = float(sample[3])
    return found


def counted(server: Server, key: str, value: float) -> dict[str, float]:
    """Return all samples once one of them has reached a value: a request is counted just after its answer."""
    server.wait_for(lambda: samples(server).get(key, 0) >= value)
    return samples(server)


def test_requests_are_counted_by_status(start: Callable[..., Any], classifier: Path) -> None:
    with start(classifier, SLIPWAY_MAX_BATCH="2") as server:
        bodies = [QUICK, QUICK, {"inputs": [[1, 2, 3, 4]] * 3}, {"inputs": []}, {}]
        sent = [len(json.dumps(body)) for body in bodies]
        answers = [server.ask(body) for body in bodies] + [server.ask(method="GET", path="/nothing")]
        found = counted(server, "slipway_request_seconds_count", 6)
    wanted = Counter(answer.status for answer in answers)
    assert wanted == {200: 2, 413: 1, 400: 2, 404: 1}
    assert {key: value for key, value in found.items() if key.startswith("slipway_requests_total")} == {
        f'slipway_requests_total{{status="{status}"}}': count for status, count in wanted.items()
    }
    assert found["slipway_request_bytes_total"] == sum(sent)
    assert found["slipway_answer_bytes_total"] == sum(len(answer.body) for answer in answers)
    assert found["slipway_batch_inputs_count"] == 2


def test_time_is_told_by_phase(
    start: Callable[..., Any], classifier: Path, lasting: Callable[[float], dict[str, Any]]
) -> None:
    with start(classifier, SLIPWAY_THREADS="1") as server:
        server.ask(lasting(1.5))
        found = counted(server, "slipway_request_seconds_count", 1)
    spent = {
        phase: found[f'slipway_phase_seconds_sum{{phase="{phase}"}}']
        for phase in ("queue", "preprocess", "model", "postprocess")
    }
    assert spent["model"] > found["slipway_request_seconds_sum"] / 2
    assert 0 <= max(spent["queue"], spent["preprocess"], spent["postprocess"]) < spent["model"]
    assert sum(spent.values()) <= found["slipway_request_seconds_sum"]


@pytest.mark.parametrize("name", ["slipway_request_seconds", "slipway_batch_inputs"])
def test_buckets_add_up(start: Callable[..., Any], encoder: Path, name: str) -> None:
    with start(encoder) as server:
        for count in (1, 1, 2, 5):
            assert server.ask({"inputs": ["a ship"] * count}).status == 200
        found = counted(server, f"{name}_count", 4)
    buckets = [(key, value) for key, value in found.items() if key.startswith(f"{name}_bucket")]
    bounds = [float(key.split('le="')[1].rstrip('"}')) for key, _ in buckets]
    assert bounds == sorted(bounds)
    assert bounds[-1] == math.inf
    counts = [value for _, value in buckets]
    assert counts == sorted(counts)
    assert counts[-1] == found[f"{name}_count"] == 4
    if name == "slipway_batch_inputs":
        assert [value for bound, value in zip(bounds, counts, strict=True) if bound in (1, 2, 4, 8)] == [2, 3, 3, 4]
        assert found[f"{name}_sum"] == 9


def test_gauges_tell_what_runs_and_what_waits(
    start: Callable[..., Any], classifier: Path, lasting: Callable[[float], dict[str, Any]]
) -> None:
    body = json.dumps(lasting(60)).encode()  # nobody waits for it
    request = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    with start(classifier, SLIPWAY_THREADS="1", SLIPWAY_BATCH_SIZE="1") as server:
        connections = [server.connect() for _ in range(4)]
        for connection in connections:
            connection.sendall(request)
        counted(server, "slipway_requests_in_flight", 1)
        counted(server, "slipway_queue_length", 3)
        found = samples(server)
        assert (found["slipway_requests_in_flight"], found["slipway_queue_length"]) == (1, 3)
        for connection in connections:
            connection.close()


def test_multi_model_server_tells_metrics(start: Callable[..., Any], tmp_path: Path) -> None:
    with start(tmp_path, SAGEMAKER_MULTI_MODEL="true") as server:
        assert server.ask(QUICK, path="/models/none/invoke").status == 404
        counted(server, 'slipway_requests_total{status="404"}', 1)


def test_cloudwatch_is_told_at_intervals(start: Callable[..., Any], classifier: Path) -> None:
    dimensions = "EndpointName=ships,VariantName=int8"
    with start(classifier, SLIPWAY_EMF="true", SLIPWAY_EMF_SECONDS="1", SLIPWAY_EMF_DIMENSIONS=dimensions) as server:
        for _ in range(250):
            server.ask(QUICK)
        server.ask({})
        server.wait_for(lambda: sum(line["Requests"] for line in server.metric_lines) >= 251)
        server.send(signal.SIGTERM)
        assert server.wait() == 0
        lines = server.metric_lines
    assert len(lines) >= 2
    for line in lines:
        jsonschema.validate(line, EMF)
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Slipway/Server"
        assert directive["Dimensions"] == [["EndpointName", "VariantName"]]
        assert (line["EndpointName"], line["VariantName"]) == ("ships", "int8")
        assert abs(line["_aws"]["Timestamp"] - time.time() * 1000) < 120_000
        for metric in directive["Metrics"]:
            values = line[metric["Name"]]
            values = values if isinstance(values, list) else [values]
            assert 0 < len(values) <= 100
            assert all(type(value) in (int, float) for value in values)
        described = {metric["Name"] for metric in directive["Metrics"]}
        assert set(line) - {"_aws", "EndpointName", "VariantName"} == described
        assert ("Latency" in described) == (line["Requests"] > 0)
    assert sum(line["Requests"] for line in lines) == 251
    assert sum(line["ClientErrors"] for line in lines) == 1


def test_what_is_left_is_told_when_the_server_stops(start: Callable[..., Any], classifier: Path) -> None:
    with start(classifier, SLIPWAY_EMF="true", SLIPWAY_EMF_SECONDS="3600", SLIPWAY_LOG_LEVEL="error") as server:
        assert server.ask(QUICK).status == 200
        server.send(signal.SIGTERM)
        assert server.wait() == 0
        [line] = server.metric_lines
    assert (line["Requests"], len(line["Latency"]), line["Server"]) == (1, 1, "onnxruntime")


def test_cloudwatch_is_not_told_unless_it_is_wished(classifier_server: Server) -> None:
    assert classifier_server.ask(QUICK).status == 200
    assert classifier_server.metric_lines == []
