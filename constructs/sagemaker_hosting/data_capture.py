"""What SageMaker keeps of the requests and answers that pass through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker

if TYPE_CHECKING:
    from slipway.specs.parts import Capture

_Config = sagemaker.CfnEndpointConfig


def data_capture_config(
    capture: Capture, *, bucket: str, prefix: str, key_arn: str
) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
    """Describe a capture of both sides under one prefix of a bucket, encrypted with a key."""
    return _Config.DataCaptureConfigProperty(
        capture_content_type_header=_Config.CaptureContentTypeHeaderProperty(json_content_types=["application/json"]),
        capture_options=[_Config.CaptureOptionProperty(capture_mode=mode) for mode in ("Input", "Output")],
        destination_s3_uri=f"s3://{bucket}/{prefix}",
        enable_capture=True,
        initial_sampling_percentage=capture.percent,
        kms_key_id=key_arn,
    )
