"""Errors of the model server.

ServingError           ends the process: one line, `exit_code`
├ ManifestError        2, the manifest is missing or broken
├ SettingError         2, an environment variable holds a bad value
├ ModelError           1, the model does not load or does not answer
├ PortError            3, the port cannot be bound
└ StuckError           4, the model never came back from a request
RequestError           is one request's answer: `status`, `code`, message
├ InputError           400, the inputs are not what the model takes
└ HandlerError         500, the model's own handler fails; what it says is for the log alone
"""

from __future__ import annotations


class ServingError(Exception):
    """End the process with one line and `exit_code`."""

    exit_code = 1


class ManifestError(ServingError):
    """Say what is missing or broken in manifest.json."""

    exit_code = 2


class SettingError(ServingError):
    """Say which environment variable holds a bad value, and what is accepted."""

    exit_code = 2


class ModelError(ServingError):
    """Say why the model cannot be loaded or does not answer."""


class PortError(ServingError):
    """Say that the port cannot be bound."""

    exit_code = 3


class StuckError(ServingError):
    """Say that the model has not come back from a request: its thread is lost, and only a new process mends that."""

    exit_code = 4


class RequestError(Exception):
    """Answer one request with an error.

    Args:
        status: HTTP status.
        code: One word for machines.
        message: What was received, and what is accepted.
        headers: Sent along.
    """

    def __init__(self, status: int, code: str, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


class InputError(RequestError):
    """Refuse inputs that the model does not take."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "invalid_input", message)


class HandlerError(RequestError):
    """Answer 500 without a word of why; `reason` and the traceback are for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(500, "handler_failed", "the model's handler could not answer this request")
        self.reason = reason

    def __str__(self) -> str:
        """Return the reason: what a build or a start ends with."""
        return self.reason
