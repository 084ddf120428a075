"""What can be known of the GPU's runtimes without a GPU: what they refuse, and how they speak to the driver."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from serving import cuda, runtimes
from serving.errors import ModelError
from serving.gpu_runtimes import Caller, parts, require_gpu

if TYPE_CHECKING:
    from pathlib import Path

DRIVER = """
#include <stdlib.h>
#include <string.h>
typedef unsigned long long address;
int cuInit(unsigned flags) { return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "NVIDIA Paper", size); return 0; }
int cuDeviceGetAttribute(int *value, int which, int device) { *value = which == 75 ? 8 : 6; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = malloc(1); return 0; }
int cuCtxSetCurrent(void *context) { return context == 0; }
int cuMemAlloc_v2(address *made, size_t size) { *made = (address)malloc(size); return size > 1 << 20 ? 2 : 0; }
int cuMemFree_v2(address made) { free((void *)made); return 0; }
int cuMemcpyHtoDAsync_v2(address to, const void *from, size_t size, void *stream) {
  memcpy((void *)to, from, size); return stream == 0; }
int cuMemcpyDtoHAsync_v2(void *to, address from, size_t size, void *stream) {
  memcpy(to, (void *)from, size); return stream == 0; }
int cuStreamCreate(void **stream, unsigned flags) { *stream = malloc(1); return 0; }
int cuStreamSynchronize(void *stream) { return stream == 0; }
"""
"""The driver's calls with its signatures, on main memory: a wrong one cuts addresses in half and crashes."""


class Context:
    """Doubles its one input where TensorRT would compute, with TensorRT's own calls."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shape = shape
        return name == "x" and shape[0] <= 4

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shape if name == "y" else ()

    def set_tensor_address(self, name: str, address: int) -> None:
        self.addresses[name] = address

    def execute_async_v3(self, stream: int) -> bool:
        size = int(np.prod(self.shape))
        x, y = ((ctypes.c_float * size).from_address(self.addresses[name]) for name in "xy")
        np.multiply(np.ctypeslib.as_array(x), 2, out=np.ctypeslib.as_array(y))
        return stream != 0


class Engine:
    @staticmethod
    def create_execution_context() -> Context:
        return Context()


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source, library = tmp_path / "driver.c", tmp_path / cuda.LIBRARY
    source.write_text(DRIVER)
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", str(library), str(source)], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))  # for the process that asks
    monkeypatch.setattr(cuda, "LIBRARY", str(library))


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    if cuda.devices():
        pytest.skip("this machine has an NVIDIA GPU")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)


@pytest.mark.usefixtures("driver")
def test_devices_are_told_by_the_driver() -> None:
    assert cuda.devices() == (cuda.Device("NVIDIA Paper", 86),)


@pytest.mark.usefixtures("driver")
def test_memory_comes_back_as_it_was_sent() -> None:
    driver = cuda.Driver()
    driver.enter()
    sent = np.arange(30, dtype=np.float32).reshape(5, 6)
    address, received, stream = driver.allocate(sent.nbytes), np.zeros_like(sent), driver.stream()
    driver.upload(address, sent, stream)
    driver.download(received, address, stream)
    driver.wait(stream)
    driver.free(address)
    np.testing.assert_array_equal(received, sent)
    with pytest.raises(cuda.CudaError, match="cuMemAlloc_v2: the driver answers 2"):
        driver.allocate(1 << 21)


@pytest.mark.usefixtures("driver")
def test_caller_answers_requests_of_every_size_one_after_the_other() -> None:
    caller = Caller(Engine(), cuda.Driver(), {"y": "float32"})
    for count in (1, 4, 2):  # memory grows and stays
        sent = np.arange(count * 6, dtype=np.float32).reshape(count, 6)
        np.testing.assert_array_equal(caller.run("y", {"x": sent[:, ::-1]}), sent[:, ::-1] * 2)
    with pytest.raises(cuda.CudaError, match=r"x: the engine takes no shape \(5, 6\)"):
        caller.run("y", {"x": np.zeros((5, 6), np.float32)})


@pytest.mark.usefixtures("driver")
def test_gpu_of_another_architecture_is_refused() -> None:
    require_gpu("86")
    require_gpu(None)
    with pytest.raises(cuda.CudaError, match="it is compiled for SM 89, and this machine's NVIDIA Paper is SM 86"):
        require_gpu("89")


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize("runtime", ["tensorrt", "tensorrt-rtx", "onnxruntime-cuda"])
def test_machine_without_a_gpu_says_so_instead_of_crashing(runtime: str, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"engine")
    with pytest.raises(ModelError, match="cannot be loaded: it needs an NVIDIA GPU, and this machine has none"):
        runtimes.load(runtime, tmp_path / "model", threads=1, options={"sm": "89"})


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (4, [4]), (9, [4, 4, 1])])
def test_request_is_cut_to_what_an_engine_takes(count: int, sizes: list[int]) -> None:
    feeds = {"a": np.arange(count * 2).reshape(count, 2), "b": np.arange(count)}
    found = list(parts(feeds, 4))
    assert [len(part["a"]) for part in found] == sizes
    np.testing.assert_array_equal(np.concatenate([part["a"] for part in found]), feeds["a"])
    np.testing.assert_array_equal(np.concatenate([part["b"] for part in found]), feeds["b"])
