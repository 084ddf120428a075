from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import value_at
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SOURCE: Final = ("ShadowModeConfig", "SourceModelVariantName")
SHADOW: Final = ("ShadowModeConfig", "ShadowModelVariants", 0, "ShadowModelVariantName")


class ExperimentVariants(Rule):
    """A shadow experiment compares two variants that it describes."""

    id = "ExperimentVariants"
    severity = Severity.ERROR
    consequence = "CreateInferenceExperiment is refused, and the stack rolls back."
    mend = "name two different variants of ModelVariants"
    source = "SageMaker API reference, CreateInferenceExperiment: ShadowModeConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find experiments with other variants, or with one twice."""
        for experiment in template.of_kind("AWS::SageMaker::InferenceExperiment"):
            described = experiment.at("ModelVariants")
            names = [value_at(each, ("VariantName",)) for each in described] if isinstance(described, list) else [None]
            if not all(isinstance(name, str) and is_known(name) for name in names):
                continue
            for path in (SOURCE, SHADOW):
                name = experiment.at(*path)
                if isinstance(name, str) and is_known(name) and name not in names:
                    yield Violation(experiment, path, f"'{name}' is not among {', '.join(map(str, names))}")
            if isinstance(experiment.at(*SOURCE), str) and experiment.at(*SOURCE) == experiment.at(*SHADOW):
                yield Violation(experiment, SHADOW, "the shadow is the variant that it is compared with")
