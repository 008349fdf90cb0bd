"""Where it ran: the machine and its software."""

from __future__ import annotations

from wattmark.records.base import Record


class Environment(Record):
    """The machine and its software. ``None`` means that it could not be read."""

    hostname: str
    os: str
    kernel: str
    architecture: str
    cpu_model: str
    cpu_flags: tuple[str, ...]
    cpu_count: int
    cpus_allowed: tuple[int, ...]
    memory_bytes: int | None
    governor: str | None
    turbo: bool | None
    virtualization: str | None
    container: str | None
    python: str
    wattmark: str
    packages: dict[str, str]
    variables: dict[str, str] = {}
    load_average_1min: float | None
    gpus: tuple[str, ...] = ()

    @property
    def hardware(self) -> str:
        """What results are compared within: the accelerators, or else the processor."""
        return ", ".join(self.gpus) or self.cpu_model


#: Two runs may be compared only where these fields agree (see `protocol.environment`).
COMPARABLE_FIELDS = ("architecture", "cpu_model", "cpu_flags", "cpu_count", "cpus_allowed",
                     "governor", "turbo", "virtualization", "gpus")  # fmt: skip
