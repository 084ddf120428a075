"""What is made from all of an endpoint's alarms: one over them, dashboards, word of rollbacks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sagemaker_hosting.unhealthy_alarm import MOST_CHILDREN
from slipway.catalog import published

if TYPE_CHECKING:
    from pathlib import Path

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

GPU = {"name": "gpu", "model": "digits", "instance_type": "ml.g5.12xlarge"}
EVERY_BOUND = {
    "error_rate": 0.01,
    "client_error_rate": 0.1,
    "model_error_rate": 0.02,
    "cpu_percent": 85,
    "memory_percent": 90,
    "disk_percent": 80,
}
# Source: "Dashboard body structure and syntax", CloudWatch API reference; it is published as prose only.
METRIC: dict[str, Any] = {
    "type": "array",
    "minItems": 5,
    "prefixItems": [{"type": "string", "pattern": "^[^:].*"}, {"type": "string"}],
    "items": {"anyOf": [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/options"}]},
}
BODY: dict[str, Any] = {
    "$defs": {
        "options": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "label": {"type": "string"},
                "stat": {"type": "string", "pattern": r"^(Average|Sum|Minimum|Maximum|SampleCount|p\d+(\.\d+)?)$"},
            },
        },
        "widget": {
            "type": "object",
            "required": ["type", "x", "y", "width", "height", "properties"],
            "additionalProperties": False,
            "properties": {
                "type": {"enum": ["metric", "alarm"]},
                "x": {"type": "integer", "minimum": 0, "maximum": 23},
                "y": {"type": "integer", "minimum": 0},
                "width": {"type": "integer", "minimum": 1, "maximum": 24},
                "height": {"type": "integer", "minimum": 1, "maximum": 1000},
                "properties": {"type": "object"},
            },
            "allOf": [
                {
                    "if": {"properties": {"type": {"const": "metric"}}},
                    "then": {"properties": {"properties": {"$ref": "#/$defs/graph"}}},
                    "else": {"properties": {"properties": {"$ref": "#/$defs/alarms"}}},
                }
            ],
        },
        "graph": {
            "required": ["metrics", "region"],
            "additionalProperties": False,
            "properties": {
                "metrics": {"type": "array", "minItems": 1, "maxItems": 500, "items": METRIC},
                "region": {"type": "string"},
                "period": {"type": "integer", "multipleOf": 60},
                "stat": {"type": "string"},
                "title": {"type": "string"},
                "view": {"enum": ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"]},
                "yAxis": {"type": "object"},
                "annotations": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "horizontal": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["value"],
                                "properties": {"label": {"type": "string"}, "value": {"type": "number"}},
                            },
                        }
                    },
                },
            },
        },
        "alarms": {
            "required": ["alarms"],
            "additionalProperties": False,
            "properties": {
                "alarms": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 100,
                    "items": {"type": "string", "pattern": "^arn:aws:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:."},
                },
                "title": {"type": "string"},
            },
        },
    },
    "type": "object",
    "required": ["widgets"],
    "additionalProperties": False,
    "properties": {"widgets": {"type": "array", "maxItems": 500, "items": {"$ref": "#/$defs/widget"}}},
}


def text(value: Any) -> str:
    """A value as CloudFormation writes it, every ARN and name a stand-in."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(text(part) for part in parts)
    if value == {"Ref": "AWS::Partition"}:
        return "aws"
    if "Fn::GetAtt" in value:
        return f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{value['Fn::GetAtt'][0]}"
    return str(value["Ref"])


def dashboard(template: Template, of_type: Of) -> dict[str, Any]:
    [found] = of_type(template, "CloudWatch::Dashboard")
    body: dict[str, Any] = json.loads(text(found["Properties"]["DashboardBody"]))
    jsonschema.validate(body, BODY)
    return body


def lines(body: dict[str, Any]) -> list[tuple[str, str, dict[str, str], str]]:
    found = []
    for widget in body["widgets"]:
        for namespace, name, *pairs, options in widget["properties"].get("metrics", []):
            found.append((namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True)), options["stat"]))
    return found


def test_one_alarm_is_over_every_operating_alarm_and_no_rollback_alarm(template: Get, of_type: Of) -> None:
    embedder = template("prod", "sentence-embedder")
    [unhealthy] = of_type(embedder, "CloudWatch::CompositeAlarm")
    children = set(re.findall(r'ALARM\("(\w+)"\)', text(unhealthy["Properties"]["AlarmRule"])))
    operating = {
        name
        for name, entry in embedder["Resources"].items()
        if entry["Type"] == "AWS::CloudWatch::Alarm" and "Rollback" not in name
    }
    assert children == operating
    assert len(children) == 8
    topic = [{"Fn::ImportValue": "slipway-prod-shared-AlarmTopicArn"}]
    assert unhealthy["Properties"]["AlarmActions"] == unhealthy["Properties"]["OKActions"] == topic
    assert unhealthy["Properties"]["AlarmName"] == "slipway-prod-sentence-embedder-unhealthy"


def test_more_alarms_than_one_rule_takes_are_gathered_in_parts(synth: Synth, of_type: Of) -> None:
    variants = [{**GPU, "name": f"{'v' * 38}{number}"} for number in range(10)]
    alarms = {**EVERY_BOUND, "gpu_percent": 90, "gpu_memory_percent": 90}
    made = synth({"variants": variants, "alarms": alarms}, {})["slipway-test-it"]
    composites = of_type(made, "CloudWatch::CompositeAlarm")
    rules = [text(entry["Properties"]["AlarmRule"]) for entry in composites]
    assert sum(rule.count("ALARM(") for rule in rules) == 80 + -(-80 // MOST_CHILDREN)
    # CloudFormation names an alarm with its stack, its logical id and a suffix, 255 characters at most.
    assert all(rule.count("ALARM(") * (255 + len('ALARM("") OR ')) < 10_240 for rule in rules)
    dashboard(made, of_type)


def test_every_alarms_description_names_its_runbook_where_the_environment_says(synth: Synth, of_type: Of) -> None:
    made = synth({"alarms": EVERY_BOUND}, {"runbooks": "https://wiki.example.com/ml/"})["slipway-test-it"]
    resources = [*of_type(made, "CloudWatch::Alarm"), *of_type(made, "CloudWatch::CompositeAlarm")]
    described = [entry["Properties"]["AlarmDescription"] for entry in resources]
    assert all(re.search(r"^it: .+\. Runbook: https://wiki\.example\.com/ml/[a-z0-9-]+\.md$", one) for one in described)


def test_saturation_is_watched_in_cloudwatchs_sums_over_cores_and_gpus(synth: Synth, of_type: Of) -> None:
    cpu = {"name": "cpu", "model": "digits", "instance_type": "ml.c7i.2xlarge"}
    alarms = {**EVERY_BOUND, "gpu_percent": 90, "gpu_memory_percent": 75}
    made = synth({"variants": [cpu, GPU], "alarms": alarms}, {})["slipway-test-it"]
    found = {
        (alarm["Properties"]["MetricName"], alarm["Properties"]["Dimensions"][1]["Value"]): alarm["Properties"]
        for alarm in of_type(made, "CloudWatch::Alarm")
        if alarm["Properties"]["Namespace"] == "/aws/sagemaker/Endpoints"
    }
    assert {key: alarm["Threshold"] for key, alarm in found.items()} == {
        ("CPUUtilization", "cpu"): 85 * 8,
        ("CPUUtilization", "gpu"): 85 * 48,
        ("MemoryUtilization", "cpu"): 90,
        ("MemoryUtilization", "gpu"): 90,
        ("DiskUtilization", "cpu"): 80,
        ("DiskUtilization", "gpu"): 80,
        ("GPUUtilization", "gpu"): 90 * 4,
        ("GPUMemoryUtilization", "gpu"): 75 * 4,
    }


def test_rollouts_are_judged_by_errors_and_latency_alone(synth: Synth, of_type: Of) -> None:
    made = synth({"alarms": {**EVERY_BOUND, "p99_latency_ms": 50}}, {})["slipway-test-it"]
    endpoint = of_type(made, "SageMaker::Endpoint")[0]["Properties"]
    names = endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    watched = [made["Resources"][name["AlarmName"]["Ref"]]["Properties"]["MetricName"] for name in names]
    assert sorted(watched) == ["Invocation5XXErrors", "ModelLatency"]


@pytest.mark.parametrize("endpoint", ["digit-reader", "document-embedder", "sentence-embedder"])
@pytest.mark.parametrize("environment", ["local", "prod"])
def test_dashboard_shows_what_the_kind_publishes_with_the_alarms_bounds(
    template: Get, of_type: Of, environment: str, endpoint: str
) -> None:
    kind = {"digit-reader": "serverless", "document-embedder": "async", "sentence-embedder": "realtime"}[endpoint]
    made = template(environment, endpoint)
    body = dashboard(made, of_type)
    for namespace, name, dimensions, statistic in lines(body):
        metric = published(name, kind=kind, dimensions=dimensions)
        assert metric is not None, name
        assert metric.namespace == namespace
        assert metric.has(statistic)
    shown = {name for _, name, _, _ in lines(body)}
    alarms = [alarm["Properties"] for alarm in of_type(made, "CloudWatch::Alarm")]
    assert {alarm["MetricName"] for alarm in alarms} <= shown
    values = {
        one["value"]
        for widget in body["widgets"]
        for one in widget["properties"].get("annotations", {}).get("horizontal", [])
    }
    operating = [alarm for alarm in alarms if "wait and no instance" not in alarm["AlarmDescription"]]
    assert {alarm["Threshold"] for alarm in operating} == values
    assert ("GPUUtilization" in shown) is False


def test_environments_dashboard_knows_every_endpoint_by_names_alone(
    assemblies: dict[str, tuple[Path, dict[str, Template]]], of_type: Of
) -> None:
    for environment, (_, templates) in assemblies.items():
        shared = templates[f"slipway-{environment}-shared"]
        body = dashboard(shared, of_type)
        alarms = {arn.split(":alarm:")[1] for arn in body["widgets"][0]["properties"]["alarms"]}
        alone = (f"slipway-{environment}-shared", f"slipway-{environment}-build")
        others = {name: one for name, one in templates.items() if name not in alone}
        named = [of_type(one, "CloudWatch::CompositeAlarm")[0]["Properties"]["AlarmName"] for one in others.values()]
        assert alarms == set(named)
        assert "ImportValue" not in json.dumps(shared)
        endpoints = {one["Outputs"]["EndpointName"]["Value"] for one in others.values()}
        assert {dimensions["EndpointName"] for _, _, dimensions, _ in lines(body)} == endpoints


def test_rollback_is_announced_on_the_topic_in_a_sentence(template: Get, of_type: Of) -> None:
    [rule] = of_type(template("prod", "sentence-embedder"), "Events::Rule")
    pattern = rule["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.sagemaker"]
    assert pattern["detail"]["EndpointName"] == ["sentence-embedder"]
    [target] = rule["Properties"]["Targets"]
    assert target["Arn"] == {"Fn::ImportValue": "slipway-prod-shared-AlarmTopicArn"}
    transformer = target["InputTransformer"]
    used = set(re.findall(r"<(\w+)>", transformer["InputTemplate"]))
    assert used == set(transformer["InputPathsMap"])
    assert json.loads(transformer["InputTemplate"]).startswith("sentence-embedder: a deployment failed")
