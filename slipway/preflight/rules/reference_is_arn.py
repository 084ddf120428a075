from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.naming import NAMES, places
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ReferenceIsArn(Rule):
    """Where a name is wanted, a reference gives the name: GetAtt, since Ref gives an ARN."""

    id = "ReferenceIsArn"
    severity = Severity.ERROR
    consequence = "SageMaker refuses an ARN as a name and the stack rolls back; an alarm on an ARN never sees a value."
    mend = "write !GetAtt Resource.ModelName, .EndpointConfigName, .EndpointName or .InferenceComponentName"
    source = (
        "CloudFormation template reference, return values of AWS::SageMaker::*; botocore's patterns of names, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find references of Ref to models, configs, endpoints and components."""
        for resource, path, value, _ in places(template):
            for match in LINK.finditer(value):
                named = template.resources.get(match[1])
                if named is not None and named.kind in NAMES and (not match[2] or match[2].endswith("Arn")):
                    message = f"this is the ARN of '{match[1]}', and the name is !GetAtt {match[1]}.{NAMES[named.kind]}"
                    yield Violation(resource, path, message)
