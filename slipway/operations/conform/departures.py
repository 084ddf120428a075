"""What servers do otherwise by their nature: nothing that a layout, a handler or an option of theirs would mend."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Departure:
    """One check that a server fails as it is known to.

    Args:
        check: Its id.
        sees: What the check then sees, as a pattern: what it sees else is a failure like any other.
        why: How it comes.
        source: What says so, or where it was seen.
        of_many: Whether it is so only where the server has many models.
    """

    check: str
    sees: str
    why: str
    source: str
    of_many: bool = False

    def explains(self, check: str, saw: str) -> bool:
        """Tell whether a failure is this one."""
        return check == self.check and re.search(self.sees, saw) is not None


_GONE = r"callers had gone the next one waited"
_LOST = r"before SIGTERM was not answered"

_TORCHSERVE = (
    Departure(
        "PingNeverAfterFailedLoad",
        r"/ping says 200 although the model cannot be loaded",
        "its /ping says that the front end runs, whether or not a worker has loaded, or ever can: keep error_rate among"
        " the alarms, which roll an update back",
        "seen with TorchServe 0.12",
    ),
    Departure(
        "MalformedBodyRefused",
        r"is no text was answered with 500",
        "the toolkit decodes the body of text types before any function of a script is called, and calls what it cannot"
        " decode a fault of the model",
        "sagemaker-inference, transformer.py; seen with TorchServe 0.12 and sagemaker-pytorch-inference 2.0.25",
    ),
    Departure(
        "WrongMethodRefused",
        r"answered with 400",
        "its front end takes GET for an invocation with an empty body, and hands it to the model",
        "seen with TorchServe 0.12",
    ),
    Departure(
        "GoneCallersWorkEnds",
        _GONE,
        "what waits in its queue is given to a worker, whether or not anybody waits for the answer",
        "seen with TorchServe 0.12",
    ),
    Departure(
        "AcceptedRequestsAnswered",
        _LOST,
        "on SIGTERM the toolkit ends Java, and Java closes its connections without waiting for its workers: let traffic"
        " go elsewhere before an instance ends",
        "seen with TorchServe 0.12 and sagemaker-pytorch-inference 2.0.25",
    ),
    Departure(
        "ModelsListed",
        r"GET /models/\S+ was answered with \[\{.*and not with an object",
        "a model has versions to it, and GET /models/<name> lists them, the one there is among them",
        "seen with TorchServe 0.12",
        of_many=True,
    ),
)
_MULTI_MODEL_SERVER = (
    Departure(
        "PingNeverAfterFailedLoad",
        r"/ping says 200 although the model cannot be loaded",
        "its /ping says that the front end runs, whether or not a worker has loaded, or ever can: keep error_rate among"
        " the alarms, which roll an update back",
        "seen with multi-model-server 1.1",
    ),
    Departure(
        "WrongMethodRefused",
        r"answered with 400",
        "its front end takes GET for an invocation with an empty body, and hands it to the model",
        "seen with multi-model-server 1.1",
    ),
    Departure(
        "GoneCallersWorkEnds",
        _GONE,
        "what waits in its queue is given to a worker, whether or not anybody waits for the answer",
        "seen with multi-model-server 1.1",
    ),
    Departure(
        "AcceptedRequestsAnswered",
        _LOST,
        "on SIGTERM the toolkit ends Java, and Java closes its connections without waiting for its workers: let traffic"
        " go elsewhere before an instance ends",
        "seen with multi-model-server 1.1",
    ),
)
_TRITON = (
    Departure(
        "ContentTypeUnknown",
        r"answered with 200",
        "it looks for its own binary type alone, and reads anything else as JSON",
        "triton-inference-server, sagemaker_server.cc; seen with tritonserver 2.51",
    ),
    Departure(
        "MalformedBodyRefused",
        r"breaks off was answered with 500|is empty was answered with 200",
        "JSON that cannot be read is an internal error to it; an empty body is one tensor without bytes, and answered",
        "seen with tritonserver 2.51",
    ),
    Departure(
        "UnknownRouteRefused",
        r"answered with 400",
        "whatever is no route of SageMaker's is a bad request to it",
        "triton-inference-server, sagemaker_server.cc; seen with tritonserver 2.51",
    ),
    Departure(
        "WrongMethodRefused",
        r"GET /models/\S+/invoke was answered with 200",
        "its route of one model among many does not look at the method",
        "seen with tritonserver 2.51",
        of_many=True,
    ),
    Departure(
        "GoneCallersWorkEnds",
        _GONE,
        "a request that it has taken is computed, whether or not anybody waits for the answer",
        "seen with tritonserver 2.51",
    ),
    Departure(
        "AcceptedRequestsAnswered",
        r"before SIGTERM was answered with (400|404|503) after it",
        "on SIGTERM its schedulers take nothing more, not even the next step of an ensemble that has begun",
        "seen with tritonserver 2.51",
    ),
)

DEPARTURES: Final[Mapping[str, tuple[Departure, ...]]] = {
    "torchserve": _TORCHSERVE,
    "huggingface": _MULTI_MODEL_SERVER,
    "triton": _TRITON,
}
"""By server, as a spec names it."""


def departures_of(server: str | None) -> tuple[Departure, ...]:
    """Return what a server is known for; of one that is not named, nothing is."""
    return () if server is None else DEPARTURES.get(server, ())
