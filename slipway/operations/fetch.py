"""Bring what a model's source names in S3, or in SageMaker's registry, to this machine."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from slipway.specs import HostError, Problem, SpecError
from slipway.specs.source import fetched_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.specs import Project

PIECE: Final = 1 << 20


def fetch(project: Project, model: str, client_for: Callable[[str], Any]) -> None:
    """Download the archive that a model's source names, unless it is here under the name of its bytes already.

    Args:
        project: Where the model is.
        model: Its name.
        client_for: Makes a boto3 client by the service's name.

    Raises:
        SpecError: If there is no such object or package, or its bytes are not those that the spec names.
        HostError: If AWS cannot be reached, or the download ends early.
    """
    folder, source = project.source_of(model)
    if source.sha256 is None or not source.is_far:
        return
    target = fetched_file(project.root, source.sha256)
    if target.is_file():
        return
    key = "archive" if source.package is None else "package"
    try:
        url = source.archive if source.package is None else _data_of(source.package, client_for("sagemaker"))
        found = _download(str(url), target, source.sha256, client_for("s3"))
    except ClientError as error:
        message = f"cannot be fetched: {error.response['Error']['Code']}: {error.response['Error']['Message']}"
        raise _problem(folder, key, message) from error
    except BotoCoreError as error:
        raise HostError(f"{model}: {source.archive or source.package} cannot be fetched: {error}") from error
    if found != source.sha256:
        raise _problem(
            folder, "sha256", f"{url} holds {found}, model.yaml says {source.sha256}: is it another version?"
        )


def _data_of(package: str, sagemaker: Any) -> str:
    containers = sagemaker.describe_model_package(ModelPackageName=package)["InferenceSpecification"]["Containers"]
    return str(containers[0]["ModelDataUrl"])


def _download(url: str, target: Path, wanted: str, s3: Any) -> str:
    """Write an object's bytes in their place if they are those that are wanted; return their hash in any case."""
    place = urlsplit(url)
    answer = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".fetching-", dir=target.parent)
    digest = hashlib.sha256()
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in answer["Body"].iter_chunks(PIECE):  # raises where fewer bytes come than were announced
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() == wanted:
            Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return digest.hexdigest()


def _problem(folder: Path, key: str, message: str) -> SpecError:
    return SpecError([Problem(f"models/{folder.name}/model.yaml", 0, f"source.{key}", message)])
