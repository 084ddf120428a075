"""Processing jobs: each runs as a process of this machine, in the layout that SageMaker gives a container."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from .archive import ArchiveError
from .aws import client
from .child import python_path
from .prefix import download_prefix, upload_folder

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

    from .records import ProcessingJob, Store

_log = logging.getLogger("slipway.local_cloud")

ROOT: Final = "/opt/ml/"
"""Of everything that a container is given; here a folder of the job's own stands for it."""
MODULE: Final = "model_build"
"""All that runs here without Docker."""
AT_ONCE: Final = 2
"""Jobs that have a machine each on AWS share this one; the others wait for it, in progress."""
_MOST_MESSAGE_BYTES: Final = 1024
_DEFAULT_SECONDS: Final = 86_400
_STOP_SECONDS: Final = 120.0


class Processing:
    """The processing jobs of this cloud.

    Args:
        store: Where they are recorded.
        folder: This cloud's own, for files and logs.
        url: Where this cloud answers: inputs and outputs are in its own S3.
    """

    def __init__(self, store: Store, folder: Path, url: str) -> None:
        self.store = store
        self._folder = folder
        self._url = url
        self._room = asyncio.Semaphore(AT_ONCE)

    def create(self, job: ProcessingJob) -> None:
        """Record a job and start it."""
        self.store.at(job.place).jobs[job.name] = job
        job.work = asyncio.create_task(self._run(job))

    def stop(self, job: ProcessingJob) -> None:
        """Begin to end a job: politely first, then by force."""
        job.become("Stopping")
        if job.work is not None:
            job.work.cancel()

    async def close(self) -> None:
        """End every job now."""
        running = [job.work for _, records in self.store.by_place() for job in records.jobs.values() if job.work]
        for work in running:
            work.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, job: ProcessingJob) -> None:
        folder = self._folder / "jobs" / f"{job.place.account}-{job.place.region}" / job.name
        try:
            async with self._room:
                job.started = time.time()
                await self._work(job, folder)
        except asyncio.CancelledError:
            job.become("Stopped")
        except (ArchiveError, BotoCoreError, ClientError, OSError) as error:
            job.become("Failed", f"ClientError: Data transfer failed: {error}")
        except Exception as error:  # noqa: BLE001  or it would be in progress for ever
            _log.exception("processing job %s failed", job.name)
            job.become("Failed", f"InternalServerError: {error}")
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _work(self, job: ProcessingJob, folder: Path) -> None:
        s3 = client(self._url, job.place, "s3")
        for each in job.request.get("ProcessingInputs", []):
            given = each["S3Input"]
            await asyncio.to_thread(download_prefix, s3, given["S3Uri"], _here(folder, given["LocalPath"]))
        outputs = [each["S3Output"] for each in job.request.get("ProcessingOutputConfig", {}).get("Outputs", [])]
        for output in outputs:
            _here(folder, output["LocalPath"]).mkdir(parents=True, exist_ok=True)
        code = await self._execute(job, folder)
        job.exit_message = _message(folder / "opt/ml/output/message")
        if code is None:
            # How AWS words it is a guess.
            job.become("Stopped", "The job ran longer than MaxRuntimeInSeconds.")
        elif code != 0:
            job.become("Failed", f"AlgorithmError: See job logs for more information, exit code: {code}")
        else:
            for output in outputs:
                await asyncio.to_thread(upload_folder, s3, _here(folder, output["LocalPath"]), output["S3Uri"])
            job.become("Completed")

    async def _execute(self, job: ProcessingJob, folder: Path) -> int | None:
        """Run the container's command to its end; None where it took too long."""
        log = self._folder / "logs" / f"{job.place.account}-{job.place.region}" / "processing-jobs" / f"{job.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        words = [_redirected(folder, word) for word in job.request["AppSpecification"].get("ContainerArguments", [])]
        seconds = job.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_SECONDS)
        read_end, write_end = os.pipe()
        try:
            with log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "slipway.local_cloud.leash", str(read_end), MODULE, *words),
                    cwd=folder,
                    env=_environment(folder, job.request.get("Environment", {})),
                    pass_fds=[read_end],
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=STDOUT,
                )
            return await _ended(process, seconds)
        finally:
            os.close(read_end)
            os.close(write_end)


async def _ended(process: Process, seconds: float) -> int | None:
    try:
        return await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        if process.returncode is None:
            process.kill()
            await process.wait()


def _environment(folder: Path, given: dict[str, Any]) -> dict[str, str]:
    """Return the whole environment of a job: the container's own, and what this machine must give it."""
    ours = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": python_path(),
        "PYTHONUNBUFFERED": "1",
    }
    return {**{name: _redirected(folder, value) for name, value in given.items()}, **ours}


def _here(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def _redirected(folder: Path, word: str) -> str:
    return str(_here(folder, word)) if word.startswith(ROOT) else word


def _message(file: Path) -> str | None:
    if not file.is_file():
        return None
    return file.read_bytes()[:_MOST_MESSAGE_BYTES].decode(errors="replace")
