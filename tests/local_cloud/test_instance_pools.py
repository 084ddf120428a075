"""A fleet that may fall back to other instance types: this machine never lacks the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

POOLS = [{"InstanceType": "ml.m7i.xlarge", "Priority": 2}, {"InstanceType": "ml.c7i.xlarge", "Priority": 1}]


def create(aws: Aws, **changed: Any) -> None:
    variant = {"VariantName": "main", "ModelName": "seven", "InitialInstanceCount": 2, "InstancePools": POOLS}
    aws.sagemaker.create_endpoint_config(EndpointConfigName="pools", ProductionVariants=[{**variant, **changed}])


def test_fleet_is_of_the_preferred_type_and_says_so(aws: Aws) -> None:
    aws.model("seven", 7)
    create(aws, VariantInstanceProvisionTimeoutInSeconds=300)
    aws.endpoint("reader", "pools")
    assert aws.label("reader") == "7"
    (variant,) = aws.sagemaker.describe_endpoint(EndpointName="reader")["ProductionVariants"]
    assert variant["InstancePools"] == [
        {"InstanceType": "ml.c7i.xlarge", "CurrentInstanceCount": 2},
        {"InstanceType": "ml.m7i.xlarge", "CurrentInstanceCount": 0},
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"InstanceType": "ml.c7i.xlarge"}, "specify either InstanceType or InstancePools"),
        ({"InstancePools": [*POOLS, {"InstanceType": "ml.c6i.xlarge", "Priority": 1}]}, "must have its own Priority"),
        (
            {"InstancePools": [*POOLS, {"InstanceType": "ml.c7i.xlarge", "Priority": 3}]},
            "must have its own InstanceType",
        ),
        ({"InstancePools": [{**POOLS[0], "ModelNameOverride": "two"}]}, "ModelNameOverride is not modelled"),
        ({"VariantInstanceProvisionTimeoutInSeconds": 299}, "failed to satisfy constraint"),
    ],
)
def test_pools_that_cannot_be_are_refused(aws: Aws, changed: dict[str, Any], message: str) -> None:
    aws.model("seven", 7)
    with pytest.raises(ClientError, match=message):
        create(aws, **changed)


def test_scaled_fleet_keeps_its_types(aws: Aws) -> None:
    aws.model("seven", 7)
    create(aws)
    aws.endpoint("reader", "pools")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/reader/variant/main",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    aws.scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    aws.config("single", {"ModelName": "seven", "VariantName": "main"})
    with pytest.raises(ClientError, match="must be deregistered as a scalable target"):
        aws.sagemaker.update_endpoint(EndpointName="reader", EndpointConfigName="single")
    aws.scaling.deregister_scalable_target(**target)
    aws.sagemaker.update_endpoint(EndpointName="reader", EndpointConfigName="single")
    assert aws.settled("reader")["EndpointConfigName"] == "single"
