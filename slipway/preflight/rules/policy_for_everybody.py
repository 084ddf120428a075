from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import needs, own_policies
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.statements import for_everybody, statements_in
from slipway.preflight.storage import hosting_buckets, hosting_keys, hosting_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class PolicyForEverybody(Rule):
    """What serves hosting has no policy that lets in everybody."""

    id = "PolicyForEverybody"
    severity = Severity.WARNING
    consequence = "Any account may read, write, publish or decrypt, as far as the policy says."
    mend = "name the principals, or the account in a condition"
    source = "IAM User Guide, the principal element: everyone; Security Hub S3.2, SNS.4 and KMS.5, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find policies of buckets, topics, repositories and keys that name everybody without a condition."""
        pulled = {
            need.held.logical_id: need.held for need in needs(template) if need.kind == "pull" and need.held is not None
        }
        held = (*hosting_buckets(template), *hosting_topics(template), *pulled.values())
        statements = [each for resource in held for each in own_policies(template, resource)[0]]
        for key in hosting_keys(template):
            statements += statements_in(key, ("KeyPolicy",), key.at("KeyPolicy"))[0]
        for each in statements:
            if each.allows and for_everybody(each) and not each.conditional:
                yield Violation(each.holder, each.path, "everybody is let in, from any account")
