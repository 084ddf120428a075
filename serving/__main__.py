"""`python -m serving`: read the environment, serve, and end with a code that says why.

0 stopped by a signal, 1 the model does not load or answer, 2 a bad setting or manifest, 3 the port is taken. Where a
model never comes back from a request the process begins anew in its own place: nothing else ends a thread that is lost.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

# A container's first process ignores signals that it has not asked for, and importing takes a while.
for _number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(_number, lambda *_: os._exit(0))

# Each request has one thread; a second pool of threads under numpy or the tokenizer would fight for the same cores.
# Set before those libraries are imported, which is why main imports late.
# Importing onnxruntime 1.31 starts a thread that reports its use to Microsoft; a server reports to its owner alone.
_VARIABLES = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "ORT_DISABLE_TELEMETRY": "1",
}
for _variable, _value in _VARIABLES.items():
    os.environ.setdefault(_variable, _value)


def main() -> NoReturn:
    """Serve; arguments such as SageMaker's `serve` are ignored."""
    from serving import log, server, settings
    from serving.errors import ServingError, StuckError

    try:
        chosen = settings.read(os.environ)
        log.configure(chosen.log_level)
        log.write("info", "starting", **server.start_facts(chosen))
        code = server.serve(chosen)
    except StuckError:
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606  itself, with its own arguments
    except ServingError as error:
        log.write("error", "failed", message=str(error))
        sys.stderr.write(f"serving: {error}\n")
        code = error.exit_code
    sys.stderr.flush()
    # A thread may still be inside the runtime (loading, or a request beyond the drain's time); an orderly
    # interpreter exit would pull the ground from under it.
    os._exit(code)


if __name__ == "__main__":
    main()
