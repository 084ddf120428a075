from __future__ import annotations

from collections.abc import Callable
from typing import Any

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

VARIANT = {"name": "only", "model": "digits", "instance_type": "ml.c7i.xlarge"}


def variants(synth: Synth, of_type: Of, *written: dict[str, Any]) -> list[dict[str, Any]]:
    template = synth({"variants": [{**VARIANT, **variant} for variant in written]}, {})["slipway-test-it"]
    (config,) = of_type(template, "SageMaker::EndpointConfig")
    made: list[dict[str, Any]] = config["Properties"]["ProductionVariants"]
    return made


def test_timeouts_come_from_the_archives_size_unless_the_variant_has_its_own(synth: Synth, of_type: Of) -> None:
    own = {"name": "own", "startup_timeout_seconds": 60, "download_timeout_seconds": 3600}
    derived, chosen = variants(synth, of_type, {}, own)
    assert derived["ContainerStartupHealthCheckTimeoutInSeconds"] == 600
    assert derived["ModelDataDownloadTimeoutInSeconds"] == 300
    assert chosen["ContainerStartupHealthCheckTimeoutInSeconds"] == 60
    assert chosen["ModelDataDownloadTimeoutInSeconds"] == 3600


def test_requests_go_where_the_variant_says_and_else_where_sagemaker_sends_them(synth: Synth, of_type: Of) -> None:
    routings: tuple[dict[str, Any], ...] = (
        {},
        {"name": "any", "routing": "random"},
        {"name": "idle", "routing": "least-outstanding-requests"},
    )
    silent, anywhere, idle = variants(synth, of_type, *routings)
    assert "RoutingConfig" not in silent
    assert anywhere["RoutingConfig"] == {"RoutingStrategy": "RANDOM"}
    assert idle["RoutingConfig"] == {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}


def test_fallback_types_are_pools_in_the_order_of_preference_and_take_the_place_of_the_one_type(
    synth: Synth, of_type: Of
) -> None:
    wide = {"fallback": ["ml.m7i.xlarge", "ml.c6i.xlarge"], "provision_timeout_seconds": 600}
    pools, single = variants(synth, of_type, wide, {"name": "single"})
    assert pools["InstancePools"] == [
        {"InstanceType": "ml.c7i.xlarge", "Priority": 1},
        {"InstanceType": "ml.m7i.xlarge", "Priority": 2},
        {"InstanceType": "ml.c6i.xlarge", "Priority": 3},
    ]
    assert pools["VariantInstanceProvisionTimeoutInSeconds"] == 600
    assert "InstanceType" not in pools
    assert single["InstanceType"] == "ml.c7i.xlarge"
    assert "InstancePools" not in single
    assert "VariantInstanceProvisionTimeoutInSeconds" not in single


def test_volume_key_is_left_out_when_a_fallback_has_its_own_disk(synth: Synth, of_type: Of) -> None:
    variant = {**VARIANT, "fallback": ["ml.m5d.xlarge"]}
    (config,) = of_type(synth({"variants": [variant]}, {})["slipway-test-it"], "SageMaker::EndpointConfig")
    assert "KmsKeyId" not in config["Properties"]
