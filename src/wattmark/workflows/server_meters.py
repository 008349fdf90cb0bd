"""What meters a server while a load is put to it, and what of that is the server's.

On this machine the server is a process: the one that listens on its port, or that is named by its
id. Its GPUs are charged, and where no instrument covers the processor, a model of the process and
all that descends from it. Of another machine only configured instruments are read that are named,
since nothing else says what they look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from wattmark.contracts import Scope
from wattmark.endpoints.address import Server
from wattmark.errors import InputError
from wattmark.machine import process_tree, processes
from wattmark.metering import configured
from wattmark.metering.charge import Charge, is_gpu
from wattmark.metering.opened import OpenMeter
from wattmark.metering.readings import Readings
from wattmark.metering.used_gpus import Charging, Work
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.outside.hosts import is_loopback
from wattmark.quantities import Grade
from wattmark.records import EndpointPlan, EnergyWindow

#: Flags of a load's result.
GENERATOR_IN_ENERGY = "generator_in_energy"
SERVER_NOT_FOUND = "server_not_found"

#: Programs that listen for a server in a container or on another machine; its process is not below
#: theirs. Names as /proc/PID/comm has them.
FORWARDERS = frozenset(
    {"docker-proxy", "gvproxy", "kubectl", "pasta", "rootlessport", "slirp4netns", "socat", "ssh"}
)


@dataclass(frozen=True)
class ServerMeters:
    """Open meters of a server. ``roots`` are its processes on this machine, where they are known.

    ``here`` says whether it is on this machine.
    """

    readings: Readings
    roots: tuple[int, ...]
    here: bool
    charging: Charging | None

    def begin(self) -> None:
        """Look what the server has open, before the meters are read for the first time."""
        if self.charging is not None:
            self.charging.begin()

    def end(self) -> None:
        """Look again, after they were read for the last time."""
        if self.charging is not None:
            self.charging.end()

    def flags(self, windows: Sequence[EnergyWindow]) -> list[str]:
        """What is to be said of the energy of these windows."""
        found = []
        if self.here and any(map(self._holds_generator, windows)):
            found.append(GENERATOR_IN_ENERGY)
        if self.here and not self.roots:
            found.append(SERVER_NOT_FOUND)
        return found

    def _holds_generator(self, window: EnergyWindow) -> bool:
        if window.meter == ModelledCpu.name:
            return os.getpid() in process_tree.tree(self.roots)
        return not is_gpu(window.domain)


@contextmanager
def server_meters(plan: EndpointPlan, server: Server) -> Iterator[ServerMeters]:
    """Meters that cover the server, open.

    Raises InputError for a meter that cannot see it, or a process that there is not.
    """
    here = plan.server_pid is not None or is_loopback(server.host)
    if not here:
        if local := sorted(set(plan.meters) - set(configured.names())):
            raise InputError(
                f"meter {local[0]!r} looks at this machine and not at {server.host}: name an "
                "instrument of the server's in the settings (`wattmark doctor` shows where), or "
                "its process if it runs here (--server-pid)"
            )
        with Readings.shared(plan.meters) if plan.meters else Readings(()) as opened:
            yield ServerMeters(opened, (), here, None)
        return
    roots = _processes(plan, server)
    named = tuple(name for name in plan.meters if name != ModelledCpu.name)
    with Readings.shared(named) if named or not plan.meters else Readings(()) as opened:
        readings = Readings((*_fit(opened, named), *_modelled(plan, opened, roots)))
        if plan.whole_node:
            charging = None
        elif roots:
            charging = Charging(readings, Work(roots))
        else:  # nobody knows which cards are the server's: all are, as an upper bound
            charging = None
            gpus = {d for info in opened.infos for d in info.domains if is_gpu(d)}
            readings.charge = Charge(frozenset(gpus), shared=frozenset(gpus))
        yield ServerMeters(readings, roots, here, charging)


def _processes(plan: EndpointPlan, server: Server) -> tuple[int, ...]:
    """The server's processes that no other of them started."""
    if plan.server_pid is not None:
        if not processes.command_of(plan.server_pid):
            raise InputError(f"there is no process {plan.server_pid} on this machine")
        return (plan.server_pid,)
    found = [
        pid
        for pid in processes.listening(server.port)
        if processes.command_of(pid) not in FORWARDERS
    ]
    below = {pid for root in found for pid in process_tree.descendants(root)}
    return tuple(pid for pid in found if pid not in below)


def _fit(opened: Readings, named: Sequence[str]) -> tuple[OpenMeter, ...]:
    """The meters that see whole devices, by an instrument."""
    fit = tuple(
        meter
        for meter in opened.meters
        if meter.info.scope is Scope.DEVICE and meter.info.grade is not Grade.MODELLED
    )
    if named and (unfit := [meter.name for meter in opened.meters if meter not in fit]):
        raise InputError(
            f"meter {unfit[0]!r} sees the process that reads it, which is the load generator "
            f"and not the server: name one that meters the machine, {ModelledCpu.name}, or none"
        )
    return fit


def _modelled(
    plan: EndpointPlan, opened: Readings, roots: tuple[int, ...]
) -> tuple[OpenMeter, ...]:
    """The model of the server's processes, where it is named or nothing else covers the cpu."""
    named = ModelledCpu.name in plan.meters
    if not roots and named:
        raise InputError(
            f"{ModelledCpu.name} is of a process, and the server's was not found: name it "
            "(--server-pid)"
        )
    covered = any(
        "cpu" in meter.info.domains for meter in opened.meters if meter.name != ModelledCpu.name
    )
    if not roots or (not named and (plan.meters or covered)):
        return ()
    return (OpenMeter(ModelledCpu.name, ModelledCpu(roots=roots)),)
