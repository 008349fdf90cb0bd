"""What the CUDA driver itself says: the devices that this process has open, and their order.

Only a driver that is loaded already is asked, and it is never started, since a process that has
started it can no longer be forked. The order of devices, for which it must be started, is asked of
a process of its own: ``python -m wattmark.machine.cuda_driver`` prints a UUID a line.

Functions: NVIDIA, "CUDA Driver API", device management and primary context management.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

LIBRARY = "libcuda.so.1"
_ASKING_S = 30.0


def opened_uuids() -> tuple[str, ...]:
    """UUIDs, without ``GPU-`` or ``MIG-``, of the devices that this process has a context on.

    That is the primary context, which PyTorch, JAX, TensorFlow and ONNX Runtime take. Empty
    where the process has not started CUDA.
    """
    try:
        driver = ctypes.CDLL(LIBRARY, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except (OSError, AttributeError):  # not loaded, or no such system
        return ()
    return tuple(uuid for device, uuid in _devices(driver) if _active(driver, device))


def order_in_process(variables: Mapping[str, str | None]) -> tuple[str, ...]:
    """UUIDs of the devices that a process with these variables sees, in CUDA's order.

    A variable that is None is not set.

    Empty where there is no CUDA driver, or it does not answer.
    """
    command = [sys.executable, "-m", "wattmark.machine.cuda_driver"]
    environment = {**os.environ, **variables}
    environment_set = {name: value for name, value in environment.items() if value is not None}
    try:
        said = subprocess.run(
            command, env=environment_set, capture_output=True, timeout=_ASKING_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(said.stdout.decode(errors="replace").split()) if said.returncode == 0 else ()


def _devices(driver: Any) -> Iterator[tuple[int, str]]:
    count, device = ctypes.c_int(), ctypes.c_int()
    if driver.cuDeviceGetCount(ctypes.byref(count)):  # not started, or started by a parent
        return
    ask = getattr(driver, "cuDeviceGetUuid_v2", None) or driver.cuDeviceGetUuid
    for ordinal in range(count.value):
        uuid = (ctypes.c_ubyte * 16)()
        if driver.cuDeviceGet(ctypes.byref(device), ordinal) or ask(ctypes.byref(uuid), device):
            continue
        yield device.value, str(UUID(bytes=bytes(uuid)))


def _active(driver: Any, device: int) -> bool:
    flags, active = ctypes.c_uint(), ctypes.c_int()
    failed = driver.cuDevicePrimaryCtxGetState(device, ctypes.byref(flags), ctypes.byref(active))
    return not failed and active.value == 1


def _main() -> int:
    try:
        driver: Any = ctypes.CDLL(LIBRARY)
    except OSError:
        return 1
    if driver.cuInit(0):
        return 1
    sys.stdout.write("".join(f"{uuid}\n" for _, uuid in _devices(driver)))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
