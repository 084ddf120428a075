"""Write ``slipway/catalog/limits.json`` from what botocore and CloudFormation's own schemas say of each property.

``python scripts/generate_limits.py`` writes; ``--check`` only says whether the file needs it.

Where the two disagree the laxer wins: a value is out of bounds only if neither would take it.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from botocore.loaders import Loader
from generated import write_or_check

TAKEN = "2026-11-21"
"""When the sources were last looked at by a person; to be set by whoever runs this with newer ones."""
TYPES: Final = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ("application-autoscaling", "RegisterScalableTargetRequest"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("application-autoscaling", "PutScalingPolicyRequest"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "PutMetricAlarmInput"),
    "AWS::SageMaker::DataQualityJobDefinition": ("sagemaker", "CreateDataQualityJobDefinitionRequest"),
    "AWS::SageMaker::Endpoint": ("sagemaker", "CreateEndpointInput"),
    "AWS::SageMaker::EndpointConfig": ("sagemaker", "CreateEndpointConfigInput"),
    "AWS::SageMaker::InferenceComponent": ("sagemaker", "CreateInferenceComponentInput"),
    "AWS::SageMaker::InferenceExperiment": ("sagemaker", "CreateInferenceExperimentRequest"),
    "AWS::SageMaker::Model": ("sagemaker", "CreateModelInput"),
    "AWS::SageMaker::ModelBiasJobDefinition": ("sagemaker", "CreateModelBiasJobDefinitionRequest"),
    "AWS::SageMaker::ModelExplainabilityJobDefinition": ("sagemaker", "CreateModelExplainabilityJobDefinitionRequest"),
    "AWS::SageMaker::ModelPackage": ("sagemaker", "CreateModelPackageInput"),
    "AWS::SageMaker::ModelPackageGroup": ("sagemaker", "CreateModelPackageGroupInput"),
    "AWS::SageMaker::ModelQualityJobDefinition": ("sagemaker", "CreateModelQualityJobDefinitionRequest"),
    "AWS::SageMaker::MonitoringSchedule": ("sagemaker", "CreateMonitoringScheduleRequest"),
    "AWS::SageMaker::ProcessingJob": ("sagemaker", "CreateProcessingJobRequest"),
}
"""What creates each type. Properties have the names of the API's members."""
TARGET: Final = Path(__file__).parent.parent / "slipway" / "catalog" / "limits.json"
KINDS: Final = {
    **dict.fromkeys(("structure", "object"), "object"),
    **dict.fromkeys(("list", "array"), "list"),
    **dict.fromkeys(("integer", "long"), "integer"),
    **dict.fromkeys(("float", "double", "number"), "number"),
    "boolean": "boolean",
    "map": "map",
}
"""Anything else is text."""
BOUNDS: Final = {
    "least": ("min", ("minimum", "minLength", "minItems"), min),
    "most": ("max", ("maximum", "maxLength", "maxItems"), max),
}
MANY: Final = 30
"""Values that are listed once by the name of their shape, and not with every property."""

Node = dict[str, Any]


class Reader:
    """Reads one type from both sources.

    Args:
        schema: CloudFormation's.
        shapes: The API's.
        lists: Where long lists of accepted values go, by name.
    """

    def __init__(self, schema: Node, shapes: dict[str, Node], lists: dict[str, list[str]]) -> None:
        self.schema, self.shapes, self.lists = schema, shapes, lists
        self.rows: dict[str, Node] = {}
        paths = (path.removeprefix("/properties/") for path in schema.get("readOnlyProperties", ()))
        self.set_by_aws = {path.replace("/*", "[]").replace("/", ".") for path in paths}

    def read(self, path: str, theirs: Node | None, name: str | None, above: tuple[str, ...] = ()) -> None:
        """Add a property and what is below it."""
        theirs, shape = self._resolved(theirs), None if name is None else self.shapes[name]
        row = self._row(theirs or {}, shape or {}, name)
        row["by"] = "both" if theirs and shape else "botocore" if shape else "cfn-lint"
        if path:
            self.rows[path] = row
        if name in above:
            return
        above = above if name is None else (*above, name)
        if row["kind"] == "object":
            self._members(path, row, theirs, shape, above)
        elif row["kind"] == "list":
            inner = None if shape is None else shape["member"]["shape"]
            self.read(f"{path}[]", (theirs or {}).get("items"), inner, above)
        elif row["kind"] == "map" and shape is not None:
            self.read(f"{path}{{}}", None, shape["value"]["shape"], above)

    def _members(self, path: str, row: Node, theirs: Node | None, shape: Node | None, above: tuple[str, ...]) -> None:
        ours = (shape or {}).get("members", {})
        listed = (theirs or {}).get("properties", {})
        needed = [set(each.get("required", ())) for each in (theirs, shape) if each is not None]
        required = sorted(set.intersection(*needed)) if needed else []
        if required:
            row["required"] = required
        for key in sorted({*ours, *listed}):
            below = f"{path}.{key}".removeprefix(".")
            if key in ours or below not in self.set_by_aws:
                self.read(below, listed.get(key), ours[key]["shape"] if key in ours else None, above)

    def _resolved(self, node: Node | None) -> Node | None:
        while node is not None and "$ref" in node:
            found: Any = self.schema
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            node = found
        return node

    def _row(self, theirs: Node, shape: Node, name: str | None) -> Node:
        kind = _kind(theirs, shape)
        row: Node = {"kind": kind}
        for key, (word, words, laxer) in BOUNDS.items():
            stated = [shape[word]] if word in shape else []
            stated += [theirs[other] for other in words if other in theirs]
            if stated and kind not in ("object", "boolean"):
                row[key] = laxer(stated)
        accepted = {*shape.get("enum", ()), *theirs.get("enum", ())}
        if accepted:
            row["accepted"] = self._listed(sorted(map(str, accepted)), name)
        elif patterns := _patterns(theirs.get("pattern"), shape.get("pattern")):
            row["patterns"] = patterns
        return row

    def _listed(self, values: list[str], name: str | None) -> list[str] | str:
        if name is None or len(values) < MANY:
            return values
        self.lists[name] = values
        return name


def _kind(theirs: Node, shape: Node) -> str:
    kinds = theirs.get("type", "string" if "properties" not in theirs else "object")
    kind = shape.get("type") or (kinds if isinstance(kinds, str) else "object" if "object" in kinds else kinds[0])
    if kind == "object" and not theirs.get("properties"):
        return "map"
    return KINDS.get(kind, "text")


def _patterns(theirs: str | None, ours: str | None) -> list[str]:
    """Patterns of which a text must match one; none where either source takes anything, or Python cannot tell."""
    stated = {_anchored(theirs, "cfn"), _anchored(ours, "api")} - {None}
    usable = sorted(pattern for pattern in stated if pattern is not None)
    if any(_takes_anything(pattern) for pattern in usable):
        return []
    return usable


def _anchored(pattern: str | None, by: str) -> str | None:
    """What must match the whole text: the API means it so, CloudFormation only where it says so."""
    if pattern is None:
        return None
    if by == "api":
        return pattern.removeprefix("^").removesuffix("$")
    front, back = "" if pattern.startswith("^") else ".*", "" if pattern.endswith("$") else ".*"
    return f"{front}{pattern.removeprefix('^').removesuffix('$')}{back}"


def _takes_anything(pattern: str) -> bool:
    try:
        return all(re.fullmatch(pattern, text, re.DOTALL) is not None for text in (" ", "a", "/", "\u00e9 {}\n"))
    except re.error:  # Java's classes, as in \p{L}
        return True


def schemas() -> dict[str, Node]:
    """CloudFormation's schema by type."""
    found = {}
    for file in (files("cfnlint") / "data/schemas/resources").iterdir():
        if file.name.endswith(".json"):
            schema = json.loads(file.read_text(encoding="utf-8"))
            found[schema["typeName"]] = schema
    return found


def catalogue() -> str:
    """The file's text, one property a line so that a diff reads well."""
    known, loader = schemas(), Loader()
    lists: dict[str, list[str]] = {}
    types = []
    for name, (service, shape) in TYPES.items():
        reader = Reader(known[name], loader.load_service_model(service, "service-2")["shapes"], lists)
        reader.read("", known[name], shape)
        head = {"kind": "object", "required": known[name].get("required", [])}
        rows = [f"      {json.dumps(path)}: {json.dumps(row)}" for path, row in {"": head, **reader.rows}.items()]
        types.append(f"    {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n    }")
    return "\n".join(
        (
            "{",
            f'  "taken": "{TAKEN}",',
            f'  "sources": {json.dumps(sources())},',
            '  "lists": {',
            ",\n".join(f"    {json.dumps(name)}: {json.dumps(values)}" for name, values in sorted(lists.items())),
            "  },",
            '  "types": {',
            ",\n".join(types),
            "  }",
            "}\n",
        )
    )


def sources() -> Node:
    """What each package says."""
    return {
        "botocore": {"version": version("botocore"), "says": "the API's own model of each member (Apache-2.0)"},
        "cfn-lint": {"version": version("cfn-lint"), "says": "CloudFormation's resource schemas (MIT-0)"},
    }


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, catalogue, source="the pinned versions give"))
