from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import image_accounts
from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SLIPS: Final = 2
ELSEWHERE_TOO: Final = frozenset({"sagemaker-tritonserver"})
"""Published from the accounts of Neo too, by AWS's own samples (amazon-sagemaker-examples, until Triton 22.07)."""


class ImageAccountWrong(Rule):
    """An image of AWS is named by the account that publishes it in its region."""

    id = "ImageAccountWrong"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, because the account has no such repository there."
    mend = "write the account that publishes the repository in this region"
    source = "sagemaker-core 2.27.0, image tables; AWS Deep Learning Containers, region availability, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find accounts of another region or family, and such as are misspelt."""
        for container, image in in_ecr(template):
            right = image_accounts(image.repository, image.region) or frozenset()
            known = image.published and image.repository in ELSEWHERE_TOO
            if not right or image.account in right or known:
                continue
            if image.published or any(_nearly(image.account, account) for account in right):
                does = " and ".join(sorted(right))
                message = f"{image.account} does not publish '{image.repository}' in {image.region}, {does} does"
                yield Violation(container.resource, container.at("Image"), message)


def _nearly(received: str, right: str) -> bool:
    """Tell whether a slip of the hand would turn one account into the other."""
    return sum(one != other for one, other in zip(received, right, strict=True)) <= SLIPS
