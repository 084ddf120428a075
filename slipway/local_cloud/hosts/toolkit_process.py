"""``python -m slipway.local_cloud.hosts.toolkit_process NAME PORT``: becomes what a toolkit's image starts.

Serves the ``model`` in the folder that it is started in, which is /opt/ml in a container.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.local_cloud.hosts import java
from slipway.local_cloud.hosts.environments import EnvironmentFailureError, environment, layer
from slipway.local_cloud.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE: Final = Path(__file__).parent
_PACKAGES: Final = Path("lib", "python{}.{}".format(*sys.version_info), "site-packages")
_LAUNCHERS: Final = {"torchserve": "ts.model_server", "huggingface": "mms.model_server"}
_COMMANDS: Final = {"torchserve": "torchserve", "huggingface": "multi-model-server"}
HANDLER: Final = "huggingface_handler.py"


def main() -> None:
    """Become the toolkit."""
    name, port = sys.argv[1], int(sys.argv[2])
    try:
        made = environment(name, over_project=True)
    except EnvironmentFailureError as error:
        sys.exit(str(error))
    base = Path.cwd()
    python = prepared(name, made, base)
    told = {**os.environ, **variables(name, port, made, base)}
    del told["PYTHONPATH"]  # of this module; the model's code brings a `serving` of its own
    os.execve(python, [str(python), "-W", "ignore", str(_HERE / "toolkit_start.py"), name], told)  # noqa: S606


def prepared(name: str, made: Path, base: Path) -> Path:
    """Return the Python of a container's own environment, beside which lies the command that the toolkit calls.

    Args:
        name: Of the server.
        made: The environment of all its containers.
        base: The container's folder.
    """
    own = layer(made, base / "environment")
    python, command = own / "bin" / "python", own / "bin" / _COMMANDS[name]
    command.write_text(f'#!/bin/sh\nexec "{python}" -P -m {_LAUNCHERS[name]} "$@"\n')
    command.chmod(0o755)
    shutil.copy(_HERE / HANDLER, own / _PACKAGES / HANDLER)
    (base / "tmp").mkdir(exist_ok=True)
    return python


def variables(name: str, port: int, made: Path, base: Path) -> Mapping[str, str]:
    """Return what the toolkit and the server are told beyond the container's variables."""
    # A worker's socket lies there, whose path may have 107 characters: this one is short, wherever the folder is.
    place = f"/proc/{os.getpid()}/cwd/tmp"
    address = f"http://127.0.0.1:{port}"
    if name == "torchserve":
        metrics, grpc, management, workers = free_ports(4)
        listening = {
            "TS_INFERENCE_ADDRESS": address,
            "TS_MANAGEMENT_ADDRESS": address,
            "TS_METRICS_ADDRESS": f"http://127.0.0.1:{metrics}",
            "TS_GRPC_INFERENCE_PORT": str(grpc),
            "TS_GRPC_MANAGEMENT_PORT": str(management),
            "TS_INITIAL_WORKER_PORT": str(workers),
        }
    else:
        listening = {"MMS_INFERENCE_ADDRESS": address, "MMS_MANAGEMENT_ADDRESS": address}
    return {
        **listening,
        "JAVA_HOME": str(java.home(made)),
        "PATH": os.pathsep.join([str(base / "environment" / "bin"), os.environ.get("PATH", os.defpath)]),
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "TEMP": place,
        "TMPDIR": place,
    }


if __name__ == "__main__":
    main()
