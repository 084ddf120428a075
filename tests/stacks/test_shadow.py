from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

VARIANT = {"name": "only", "model": "digits", "instance_type": "ml.c7i.xlarge", "weight": 2}
SHADOW = {"name": "shade", "model": "digits", "instance_type": "ml.m7i.large", "percent": 25, "instances": 3}
SCALING = {"instances": {"min": 2, "max": 4}, "track": "concurrency", "target": 4}


@pytest.fixture
def shadowed(synth: Synth) -> Template:
    return synth({"variants": [VARIANT], "shadow": SHADOW, "scaling": SCALING}, {})["slipway-test-it"]


def test_shadow_is_a_fleet_of_its_own_with_its_share_as_weight(shadowed: Template, of_type: Of) -> None:
    (config,) = of_type(shadowed, "SageMaker::EndpointConfig")
    (production,) = config["Properties"]["ProductionVariants"]
    (shadow,) = config["Properties"]["ShadowProductionVariants"]
    assert production["VariantName"] == "only"
    assert (shadow["VariantName"], shadow["InstanceType"], shadow["InitialInstanceCount"]) == (
        "shade",
        "ml.m7i.large",
        3,
    )
    assert (production["InitialVariantWeight"], shadow["InitialVariantWeight"]) == (2, 0.5)
    assert shadow["ModelDataDownloadTimeoutInSeconds"] == 300
    assert shadow["ModelName"] != production["ModelName"]


def test_nothing_scales_or_watches_the_shadow(shadowed: Template, of_type: Of) -> None:
    (target,) = of_type(shadowed, "ApplicationAutoScaling::ScalableTarget")
    assert target["Properties"]["ResourceId"] == "endpoint/it/variant/only"
    watched = {
        dimension["Value"]
        for alarm in of_type(shadowed, "CloudWatch::Alarm")
        for dimension in alarm["Properties"]["Dimensions"]
        if dimension["Name"] == "VariantName"
    }
    assert watched == {"only"}


def test_no_shadow_is_named_when_the_spec_has_none(synth: Synth, of_type: Of) -> None:
    (config,) = of_type(synth({}, {})["slipway-test-it"], "SageMaker::EndpointConfig")
    assert "ShadowProductionVariants" not in config["Properties"]
