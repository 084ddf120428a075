"""The NVIDIA driver through its own C interface: which GPUs there are, and memory on the first of them.

Nothing else is needed: the driver comes with the machine, whatever else its image holds.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

LIBRARY = "libcuda.so.1"
MAJOR, MINOR = 75, 76
"""Attributes of a device: the two parts of its compute capability."""
NAME_BYTES = 128
ASK_SECONDS = 60.0


@dataclass(frozen=True)
class Device:
    """One GPU.

    Args:
        name: As its maker calls it.
        sm: Its architecture, as its maker numbers it.
    """

    name: str
    sm: int


class CudaError(RuntimeError):
    """The driver refused something."""


def devices() -> tuple[Device, ...]:
    """Return the machine's GPUs; none where there is no driver.

    They are looked for in a process of their own: a driver that was started does not survive a fork, and what asks
    TensorRT for a runtime where there is none crashes.
    """
    asking = [sys.executable, "-I", __file__]
    try:
        asked = subprocess.run(asking, capture_output=True, timeout=ASK_SECONDS, check=False)  # noqa: S603  this file
        return tuple(Device(**found) for found in json.loads(asked.stdout))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ()


class Driver:
    """The driver and the context that the CUDA runtime shares with it, on the first GPU."""

    def __init__(self) -> None:
        self._cuda = _Calls()
        device, self._context = ctypes.c_int(), ctypes.c_void_p()
        self._cuda("cuDeviceGet", ctypes.byref(device), 0)
        self._cuda("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), device)

    def enter(self) -> None:
        """Let this thread work on the GPU."""
        self._cuda("cuCtxSetCurrent", self._context)

    def stream(self) -> int:
        """Return a new queue of work."""
        stream = ctypes.c_void_p()
        self._cuda("cuStreamCreate", ctypes.byref(stream), 1)  # waits for no other queue
        return stream.value or 0

    def wait(self, stream: int) -> None:
        """Return when all work of a queue is done."""
        self._cuda("cuStreamSynchronize", ctypes.c_void_p(stream))

    def allocate(self, size: int) -> int:
        """Return the address of so many bytes on the GPU."""
        address = ctypes.c_uint64()
        self._cuda("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def free(self, address: int) -> None:
        """Give memory back."""
        self._cuda("cuMemFree_v2", ctypes.c_uint64(address))

    def upload(self, address: int, array: np.ndarray, stream: int) -> None:
        """Queue the copy of a contiguous array to the GPU; it must live until the queue is done."""
        source = ctypes.c_void_p(array.ctypes.data)
        self._cuda("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), source, _size(array), ctypes.c_void_p(stream))

    def download(self, array: np.ndarray, address: int, stream: int) -> None:
        """Queue the copy of memory of the GPU into a contiguous array."""
        target = ctypes.c_void_p(array.ctypes.data)
        self._cuda("cuMemcpyDtoHAsync_v2", target, ctypes.c_uint64(address), _size(array), ctypes.c_void_p(stream))


class _Calls:
    """Functions of the driver by name; what one refuses is raised."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        self("cuInit", 0)

    def __call__(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code != 0:
            raise CudaError(f"{name}: the driver answers {code}")


def _size(array: np.ndarray) -> ctypes.c_size_t:
    return ctypes.c_size_t(array.nbytes)


def _found() -> list[dict[str, Any]]:
    cuda, count = _Calls(), ctypes.c_int()
    cuda("cuDeviceGetCount", ctypes.byref(count))
    return [_described(cuda, number) for number in range(count.value)]


def _described(cuda: _Calls, number: int) -> dict[str, Any]:
    device, name = ctypes.c_int(), ctypes.create_string_buffer(NAME_BYTES)
    cuda("cuDeviceGet", ctypes.byref(device), number)
    cuda("cuDeviceGetName", name, NAME_BYTES, device)
    major, minor = ctypes.c_int(), ctypes.c_int()
    cuda("cuDeviceGetAttribute", ctypes.byref(major), MAJOR, device)
    cuda("cuDeviceGetAttribute", ctypes.byref(minor), MINOR, device)
    return {"name": name.value.decode(errors="replace"), "sm": 10 * major.value + minor.value}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_found()))
