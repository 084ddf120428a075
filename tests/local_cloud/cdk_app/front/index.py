import os
from typing import Any

import boto3

runtime = boto3.client("sagemaker-runtime")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    answer = runtime.invoke_endpoint(
        EndpointName=os.environ["ENDPOINT_NAME"], ContentType="application/json", Body=event["body"]
    )
    return {"statusCode": 200, "body": answer["Body"].read().decode()}
