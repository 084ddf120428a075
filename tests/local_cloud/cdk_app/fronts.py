"""Fronts of every sort for the tests, on an endpoint that is there already."""

from __future__ import annotations

import os
from pathlib import Path

from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Environment, Stack

from sagemaker_hosting import InvocationFront, SharedResources, Site
from slipway.specs import EnvironmentSpec
from slipway.specs.front import Front

REPOSITORY = Path(__file__).parents[3]
ACCOUNT, REGION = "000000000000", "us-east-1"
OFF = {"off_because": "the local cloud filters nothing"}
SCHEMA = {"type": "object", "required": ["inputs"], "properties": {"inputs": {"type": "array", "minItems": 1}}}
FRONTS = {
    "Signed": {"path": "/ask"},
    "Keyed": {"path": "/ask", "auth": "api-key", "usage": {"requests": 2, "per": "day"}, "waf": OFF},
    "Tokens": {
        "path": "/ask",
        "auth": "cognito",
        "cognito": {"user_pool_arn": os.environ["USER_POOL_ARN"], "scopes": ["models/ask"]},
    },
    "Open": {
        "path": "/ask",
        "auth": "none",
        "open_because": "digits are no secret",
        "waf": OFF,
        "cors": {"origins": ["https://app.example.com"]},
        "request_schema": SCHEMA,
        "throttle": {"rate_per_second": 1000, "burst": 1000},
    },
    "Filtered": {"path": "/ask", "auth": "api-key"},
}

app = App(analytics_reporting=False)
environment = EnvironmentSpec(account=ACCOUNT, region=REGION, keep_data=False, log_retention_days=1)
key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-1111-2222-3333-444455556666"
shared = SharedResources(alarm_topic_arn="arn:aws:sns:us-east-1:000000000000:t", capture_bucket="captured", key_arn=key)
site = Site(environment=environment, shared=shared, source_root=REPOSITORY, uploads=DefaultStackSynthesizer())
for name, written in FRONTS.items():
    stack = Stack(app, name, env=Environment(account=ACCOUNT, region=REGION))
    made = InvocationFront(
        stack, "Front", endpoint_name="always", front=Front.model_validate(written, strict=False), site=site
    )
    CfnOutput(stack, "FrontUrl", value=made.url)
app.synth()
