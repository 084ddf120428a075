"""``python -m slipway.local_cloud.hosts.triton_process PORT``: tritonserver as SageMaker's image starts it.

Serves the folder that ``SLIPWAY_MODEL_DIR`` names until a signal ends it. The last line says why it ended else.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.local_cloud.hosts.environments import EnvironmentFailureError
from slipway.local_cloud.hosts.triton_program import program

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_MODEL: Final = "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME"
_SWITCHES: Final = (
    ("--model-namespacing", "SAGEMAKER_TRITON_DISABLE_MODEL_NAMESPACING", "true"),
    ("--buffer-manager-thread-count", "SAGEMAKER_TRITON_BUFFER_MANAGER_THREAD_COUNT", ""),
    ("--sagemaker-thread-count", "SAGEMAKER_TRITON_THREAD_COUNT", ""),
    ("--log-verbose", "SAGEMAKER_TRITON_LOG_VERBOSE", "true"),
    ("--log-info", "SAGEMAKER_TRITON_LOG_INFO", ""),
    ("--log-warning", "SAGEMAKER_TRITON_LOG_WARNING", ""),
    ("--log-error", "SAGEMAKER_TRITON_LOG_ERROR", ""),
    ("--backend-config=python,shm-default-byte-size", "SAGEMAKER_TRITON_SHM_DEFAULT_BYTE_SIZE", "16777216"),
    ("--backend-config=python,shm-growth-byte-size", "SAGEMAKER_TRITON_SHM_GROWTH_BYTE_SIZE", "1048576"),
)
"""What the image's script passes on, by variable, with what it takes where there is none."""
_REASONS: Final = (
    re.compile(r"failed to load '(?:[^']*::)?(?P<model>[^']+)' version \d+: [A-Z][\w ]*: (?P<reason>.*)"),
    re.compile(r"Poll failed for model directory '(?:[^']*::)?(?P<model>[^']+)': (?P<reason>.*)"),
    re.compile(r"Error parsing text-format \S+: (?P<reason>.*)"),
    re.compile(r"error: creating server: [A-Z][\w ]* - (?P<reason>.*)"),
)


class RepositoryError(Exception):
    """A folder that the image's own script refuses."""


def main() -> None:
    """Serve until a signal ends it."""
    try:
        command, variables = launch(Path(os.environ["SLIPWAY_MODEL_DIR"]), os.environ)
    except (RepositoryError, EnvironmentFailureError) as error:
        sys.exit(f"triton: {error}")
    alone = [sys.executable, "-m", "slipway.local_cloud.hosts.alone", sys.argv[1], *command]
    server = subprocess.Popen(alone, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    assert server.stdout is not None  # noqa: S101  a pipe was asked for
    reason = passed_on(server.stdout)
    code = server.wait()
    if code > 0 and reason:
        sys.exit(f"triton: {reason}")
    sys.exit(code)


def launch(folder: Path, variables: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the command line of the server, in which ``{port}`` stands for the port, and its environment.

    Raises:
        RepositoryError: If the folder is none that the image serves.
        EnvironmentFailureError: If there is no tritonserver and none can be had.
    """
    name, repository = default_model(folder, variables), folder
    if not name:  # models that are loaded by name are repositories of their own, and this one shall hold none of them
        repository = folder.with_name("no-models")
        repository.mkdir(exist_ok=True)
    here = program()
    words = [
        str(here.server),
        *("--allow-sagemaker=true", "--allow-http=false", "--allow-grpc=false", "--allow-metrics=false"),
        *("--model-control-mode=explicit", "--sagemaker-port={port}", f"--backend-directory={here.backends}"),
        f"--model-repository={repository}",
        *(f"--load-model={name}" for name in [name] if name),
        *(f"{word}={value}" for word, key, default in _SWITCHES if (value := variables.get(key) or default)),
        *variables.get("SAGEMAKER_TRITON_ADDITIONAL_ARGS", "").split(),
    ]
    # The models' Python is the first on the search path, and finds nothing but its own packages.
    path = os.pathsep.join([str(here.environment / "bin"), variables.get("PATH", os.defpath)])
    ours = {**variables, "PATH": path, DEFAULT_MODEL: name, "SAGEMAKER_TRITON_PING_MODE": _ping_mode(variables)}
    return words, ours


def default_model(folder: Path, variables: Mapping[str, str]) -> str:
    """Return the model that is asked; empty where callers say which.

    Raises:
        RepositoryError: If that cannot be told, or the folder has another form.
    """
    if variables.get("SAGEMAKER_MULTI_MODEL") == "true":
        return ""
    if (folder / "config.pbtxt").is_file():
        raise RepositoryError("config.pbtxt lies at the root of the archive: each model needs a folder of its own")
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    name = variables.get(DEFAULT_MODEL, "")
    if name and name not in found:
        raise RepositoryError(f"the archive has no model '{name}', which {DEFAULT_MODEL} names: {_listed(found)}")
    if not name and len(found) != 1:
        raise RepositoryError(f"set {DEFAULT_MODEL} to the model that is asked: {_listed(found)}")
    return name or found[0]


def passed_on(lines: Iterable[str]) -> str:
    """Pass the server's words on, and return why it cannot serve; the first reason is the cause of the others."""
    reason = ""
    for line in lines:
        sys.stdout.write(line)
        sys.stdout.flush()
        found = next((match for pattern in _REASONS if (match := pattern.search(line)) is not None), None)
        if reason == "" and found is not None:
            words = found.groupdict()
            said = words["reason"].strip().rstrip('";')
            reason = f"model '{words['model']}': {said}" if "model" in words else said
    return reason


def _ping_mode(variables: Mapping[str, str]) -> str:
    default = "live" if variables.get("SAGEMAKER_MULTI_MODEL") == "true" else "ready"
    return variables.get("SAGEMAKER_TRITON_OVERRIDE_PING_MODE") or default


def _listed(found: list[str]) -> str:
    return f"it has {', '.join(found)}" if found else "it has none"


if __name__ == "__main__":
    main()
