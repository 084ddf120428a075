from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SCRIPTED: Final = ("sklearn", "xgboost")
NAME: Final = "SAGEMAKER_PROGRAM"
PLACE: Final = "SAGEMAKER_SUBMIT_DIRECTORY"


class ScriptNotNamed(Rule):
    """A container that serves by a script is told the script's name and place."""

    id = "ScriptNotNamed"
    severity = Severity.ERROR
    consequence = "The server imports no module, fails its health check, and the endpoint fails."
    mend = "set SAGEMAKER_PROGRAM, and SAGEMAKER_SUBMIT_DIRECTORY to /opt/ml/model/code where the archive holds it"
    source = "sagemaker-scikit-learn-container, issue 82; sagemaker-containers, environment, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find containers of scikit-learn without a name, and names without a place."""
        for container, image in in_ecr(template):
            written = container.settings.get("Environment", {})
            if not image.published or image.server not in SCRIPTED or not isinstance(written, dict):
                continue
            if NAME not in written and image.server == "sklearn":
                yield Violation(container.resource, container.at("Environment"), f"'{NAME}' is not given")
            elif NAME in written and PLACE not in written:
                message = f"'{PLACE}' is not given, so that the script is looked for in /opt/ml/code"
                yield Violation(container.resource, container.at("Environment"), message)
