from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_build.sources.weights import PICKLES
from slipway.specs import HostError

if TYPE_CHECKING:
    from model_build.sources.origin import Origin

WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.tiktoken", "LICENSE*")
UNWANTED = ("onnx/*", "openvino/*")


def snapshot(origin: Origin, name: str) -> Path:
    """Return the folder of a model of the hub at a commit; what was fetched once is not fetched again.

    Where the hub is and where its files are kept is huggingface_hub's own matter: ``HF_ENDPOINT``, ``HF_HOME``,
    ``HF_TOKEN``, ``HF_HUB_OFFLINE``.

    Raises:
        SpecError: If the hub has no such model or commit, or does not give it to us.
        HostError: If the hub cannot be reached, or what it sent is not whole.
    """
    import huggingface_hub
    from huggingface_hub import errors

    repository, _, commit = name.partition("@")
    wanted = [*WANTED, *(f"*{suffix}" for suffix in PICKLES if origin.source.trust)]
    try:
        return Path(
            huggingface_hub.snapshot_download(
                repository, revision=commit, allow_patterns=wanted, ignore_patterns=list(UNWANTED)
            )
        )
    except errors.GatedRepoError as error:
        raise origin.problem(f"'{repository}' is gated: accept its terms and set HF_TOKEN") from error
    except errors.RevisionNotFoundError as error:
        raise origin.problem(f"'{repository}' has no commit {commit}: look it up on the model's page") from error
    except errors.RepositoryNotFoundError as error:
        raise origin.problem(f"the hub has no '{repository}', or HF_TOKEN may not read it") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, errors.HfHubHTTPError) as error:
        raise HostError(f"{name} is not here and the hub cannot be reached: {_first(error)}") from error
    except errors.HTTPError as error:  # type: ignore[attr-defined]  # of whichever client it uses
        raise HostError(f"{name} did not arrive whole: {_first(error)}: run the build again") from error
    except OSError as error:
        if error.errno is not None:
            raise  # of the disk
        raise HostError(f"{name} did not arrive whole: {_first(error)}: run the build again") from error


def _first(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line.strip() for line in str(error).splitlines() if line.strip() != ""), type(error).__name__)
