"""The NVIDIA cards of this machine as NVML lists them: UUIDs, slices, and who has them open."""

from __future__ import annotations

from typing import Any

from wattmark.errors import MeterError
from wattmark.machine.gpus import Card
from wattmark.meters.nvml import asked, session, text

#: Programs that compute, draw, or compute through the multi-process service.
_PROCESS_LISTS = (
    "nvmlDeviceGetComputeRunningProcesses",
    "nvmlDeviceGetGraphicsRunningProcesses",
    "nvmlDeviceGetMPSComputeRunningProcesses",
)


def nvidia_cards() -> tuple[Card, ...]:
    """All cards in NVML's order, as they are now; empty where NVML cannot be used."""
    try:
        with session() as pynvml:
            return tuple(_card(pynvml, n) for n in range(pynvml.nvmlDeviceGetCount()))
    except MeterError:
        return ()


def _card(pynvml: Any, index: int) -> Card:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    return Card(
        f"gpu:{index}",
        text(asked(pynvml, "nvmlDeviceGetUUID", handle)),
        text(pynvml.nvmlDeviceGetName(handle)),
        _slices(pynvml, handle),
        _processes(pynvml, handle),
    )


def _slices(pynvml: Any, handle: Any) -> tuple[str, ...] | None:
    """UUIDs of a card's MIG devices; None where the mode is off or the card has none."""
    mode = asked(pynvml, "nvmlDeviceGetMigMode", handle)
    if mode is None or not mode[0]:  # (current, after the next reset)
        return None
    found = []
    for number in range(asked(pynvml, "nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
        part = asked(pynvml, "nvmlDeviceGetMigDeviceHandleByIndex", handle, number)
        if part is not None:
            found.append(text(asked(pynvml, "nvmlDeviceGetUUID", part)))
    return tuple(found)


def _processes(pynvml: Any, handle: Any) -> frozenset[int] | None:
    said = [asked(pynvml, function, handle) for function in _PROCESS_LISTS]
    known = [processes for processes in said if processes is not None]
    return frozenset(p.pid for listed in known for p in listed) if known else None
