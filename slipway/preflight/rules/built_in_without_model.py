from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

BUILT_IN: Final = frozenset(
    {
        *(
            "blazingtext",
            "factorization-machines",
            "forecasting-deepar",
            "image-classification",
            "ipinsights",
            "kmeans",
        ),
        *("knn", "lda", "linear-learner", "ntm", "object-detection", "object2vec", "pca", "randomcutforest"),
        *("semantic-segmentation", "seq2seq", "sparkml-serving"),
    }
)
"""Servers that know one algorithm and serve what it trained. XGBoost is not among them: it also runs a script."""
DATA: Final = ("ModelDataUrl", "ModelDataSource")


class BuiltInWithoutModel(Rule):
    """The image of a built-in algorithm gets what the algorithm trained."""

    id = "BuiltInWithoutModel"
    severity = Severity.ERROR
    consequence = "The container finds nothing in /opt/ml/model, fails its health check, and the endpoint fails."
    mend = "give ModelDataUrl the archive that the training job wrote"
    source = "terraform-provider-aws, issue 32734; SageMaker Developer Guide, built-in algorithms, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find built-in algorithms without data."""
        for container, image in in_ecr(template):
            given = any(container.settings.get(key) is not None for key in DATA)
            if image.published and image.server in BUILT_IN and not given:
                message = f"'{image.server}' is given no model"
                yield Violation(container.resource, container.at("Image"), message)
