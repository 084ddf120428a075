from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from sagemaker_hosting.dashboard_graphs import ERRORS, LATENCY, TRAFFIC, Graph, lines, placed, widget

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sagemaker_hosting.endpoint_watch import EndpointWatch

MOST_ALARMS: Final = 100
MOST_LINES: Final = 100


class EnvironmentDashboard(Construct):
    """Define the dashboard of a whole environment: which endpoints are unwell, and their traffic, errors and latency.

    It knows other stacks' alarms and metrics by their names alone, so that none of them must exist before it.

    Args:
        name: Of the dashboard; no other in the account has it, in whatever region.
        watches: Of every endpoint, by the name of the alarm that says whether it is well.
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str, watches: Mapping[str, EndpointWatch]) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        arns = [
            stack.format_arn(
                service="cloudwatch", resource="alarm", resource_name=alarm, arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
            for alarm in watches
        ]
        status = [_status(part, number) for number, part in enumerate(_parts(arns, MOST_ALARMS))]
        shown = [
            one
            for graph in (TRAFFIC, _first(ERRORS, 1), _only(LATENCY, "p99"))
            for one in _graphs(graph, list(watches.values()), stack.region)
        ]
        body = {"widgets": [*status, *placed(shown, top=4 * len(status))]}
        cloudwatch.CfnDashboard(self, "Resource", dashboard_body=stack.to_json_string(body), dashboard_name=name)


def _status(arns: Sequence[str], number: int) -> dict[str, Any]:
    properties = {"alarms": list(arns), "title": "Endpoints"}
    return {"type": "alarm", "x": 0, "y": 4 * number, "width": 24, "height": 4, "properties": properties}


def _graphs(graph: Graph, watches: Sequence[EndpointWatch], region: str) -> Iterator[dict[str, Any]]:
    every = [_of(watch, line) for watch in watches for line in lines(graph, watch)]
    for part in _parts(every, MOST_LINES):
        yield widget(graph.title, part, region)


def _of(watch: EndpointWatch, line: list[Any]) -> list[Any]:
    *metric, options = line
    return [*metric, {**options, "label": f"{watch.endpoint_name} {options['label']}"}]


def _first(graph: Graph, count: int) -> Graph:
    return Graph(graph.title, graph.lines[:count])


def _only(graph: Graph, statistic: str) -> Graph:
    return Graph(graph.title, tuple(line for line in graph.lines if line[1] == statistic))


def _parts(items: Sequence[Any], most: int) -> Iterator[list[Any]]:
    left = iter(items)
    while part := list(islice(left, most)):
        yield part
