"""Who answers where a variant or a model is named."""

from __future__ import annotations

import json

from slipway.specs.hosted import answering
from slipway.specs.realtime import RealtimeEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec

TWO = RealtimeEndpointSpec.model_validate_json(
    json.dumps(
        {
            "kind": "realtime",
            "variants": [
                {"name": "ours", "model": "digits", "instance_type": "ml.c7i.xlarge"},
                {"name": "theirs", "model": "minilm", "server": "triton", "instance_type": "ml.c7i.xlarge"},
                {"name": "again", "model": "digits", "server": "triton", "instance_type": "ml.c7i.xlarge"},
            ],
        }
    )
)
ONE = ServerlessEndpointSpec.model_validate_json(
    json.dumps({"kind": "serverless", "model": "digits", "memory_mib": 2048, "max_concurrency": 2})
)


def found(variant: str | None = None, model: str | None = None) -> tuple[str, str] | None:
    answers = answering(TWO, variant=variant, model=model)
    return None if answers is None else (answers.model, answers.server.name)


def test_variant_answers_with_its_own_model_and_server() -> None:
    assert found("theirs") == ("minilm", "triton")
    assert found("again", "minilm") == ("digits", "triton")
    assert found("nobody") is None


def test_first_answers_where_no_variant_is_named() -> None:
    assert found() == ("digits", "onnxruntime")
    assert found(model="minilm") == ("minilm", "triton")
    assert found(model="poet") is None
    only = answering(ONE)
    assert only is not None
    assert only.model == "digits"
