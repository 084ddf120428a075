from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

DIMENSION = "sagemaker:variant:DesiredProvisionedConcurrency"
TARGET = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/e/variant/seven", "ScalableDimension": DIMENSION}


def serve(aws: Aws, **more: Any) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven", **more})
    aws.endpoint("e", "one")


def serverless(**more: int) -> dict[str, Any]:
    return {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 4, **more}}


def change(aws: Aws, **desired: Any) -> None:
    weights = [{"VariantName": "seven", **desired}]
    aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=weights)


def test_provisioned_concurrency_is_described_changed_and_scaled(aws: Aws) -> None:
    serve(aws, **serverless(ProvisionedConcurrency=2))
    aws.scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
    aws.scaling.deregister_scalable_target(**TARGET)
    change(aws, ServerlessUpdateConfig={"MaxConcurrency": 5, "ProvisionedConcurrency": 5})
    (variant,) = aws.sagemaker.describe_endpoint(EndpointName="e")["ProductionVariants"]
    assert (
        variant["CurrentServerlessConfig"] == serverless(MaxConcurrency=5, ProvisionedConcurrency=5)["ServerlessConfig"]
    )
    config = aws.sagemaker.describe_endpoint_config(EndpointConfigName="one")
    assert config["ProductionVariants"][0]["ServerlessConfig"]["ProvisionedConcurrency"] == 2


def test_more_warm_copies_than_requests_are_refused(aws: Aws) -> None:
    message = "ProvisionedConcurrency must be less than or equal to MaxConcurrency"
    with pytest.raises(ClientError, match=message):
        serve(aws, **serverless(ProvisionedConcurrency=5))
    aws.config("two", {"ModelName": "seven", **serverless()})
    aws.endpoint("e", "two")
    with pytest.raises(ClientError, match=message):
        change(aws, ServerlessUpdateConfig={"ProvisionedConcurrency": 5})
    with pytest.raises(ClientError, match="takes no DesiredInstanceCount"):
        change(aws, DesiredInstanceCount=2)


@pytest.mark.parametrize(
    ("variant", "dimension", "message"),
    [
        (serverless(), DIMENSION, "serverless without ProvisionedConcurrency and cannot be scaled"),
        (serverless(ProvisionedConcurrency=1), "sagemaker:variant:DesiredInstanceCount", "is not a dimension of"),
        ({}, DIMENSION, "is not a dimension of"),
    ],
)
def test_variant_is_scaled_in_its_own_dimension_alone(
    aws: Aws, variant: dict[str, Any], dimension: str, message: str
) -> None:
    serve(aws, **variant)
    with pytest.raises(ClientError, match=message):
        aws.scaling.register_scalable_target(**{**TARGET, "ScalableDimension": dimension}, MinCapacity=1, MaxCapacity=4)
