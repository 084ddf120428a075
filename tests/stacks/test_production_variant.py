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
