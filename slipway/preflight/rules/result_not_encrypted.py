from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.storage import OUTPUT, RESULTS, bucket_key, in_s3
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ResultNotEncrypted(Rule):
    """Answers of an asynchronous endpoint are encrypted with a customer's key."""

    id = "ResultNotEncrypted"
    severity = Severity.WARNING
    consequence = "Answers and failures lie in S3 under the bucket's default encryption alone."
    mend = "set AsyncInferenceConfig.OutputConfig.KmsKeyId"
    source = "SageMaker API reference, AsyncInferenceOutputConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find outputs without a key, of their own or of their bucket in the template."""
        for config in template.of_kind(CONFIG):
            if not isinstance(config.at(*OUTPUT), dict) or config.at(*OUTPUT, "KmsKeyId") is not None:
                continue
            found = in_s3(template, config.at(*RESULTS[0]), below=True)
            bucket = None if found is None else found[1]
            if bucket is None or bucket_key(bucket) is None:
                yield Violation(config, (*OUTPUT, "KmsKeyId"), "no key is given")
