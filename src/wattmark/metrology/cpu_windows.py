"""Windows of CPU accounting: what the power model makes of two readings of CPU seconds. Pure."""

from __future__ import annotations

from wattmark.contracts import Channel, CpuModel, TraceUnit
from wattmark.metrology.counters import elapsed_s
from wattmark.metrology.cpu_power import CpuWork, PowerModel, comparable_energy, modelled_energy
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading


def cpu_reading(time_ns: int, cpu_s: float) -> MeterReading:
    """A raw reading of CPU accounting: ``cpu_s`` and the clock's ``wall_s`` (no joules)."""
    return MeterReading(time_ns=time_ns, values={"cpu_s": cpu_s, "wall_s": time_ns / 1e9})


def cpu_channel(meter: str, cores: int, model: PowerModel, domain: str = "cpu") -> Channel:
    """What a recording must say of CPU accounting that a model of ``domain`` reckons with."""
    parameters = CpuModel(
        busy_w=model.busy_w,
        idle_share=model.idle_share,
        program_spread=model.program_spread,
        cores=cores,
    )
    return Channel(
        meter=meter,
        key="cpu_s",
        domain=domain,
        unit=TraceUnit.CPU_SECONDS,
        grade=Grade.MODELLED,
        model=parameters,
    )


def work_between(before: MeterReading, after: MeterReading, cores: int) -> CpuWork | None:
    """The work between two readings; None where the CPU time went back.

    Raises MeterError where the readings are in the wrong order.
    """
    wall_s = elapsed_s(before, after)
    cpu_s = after.values["cpu_s"] - before.values["cpu_s"]
    return CpuWork(cpu_s, wall_s, cores) if cpu_s >= 0 else None


def cpu_window(
    meter: str,
    before: MeterReading,
    after: MeterReading,
    cores: int,
    model: PowerModel,
    domain: str = "cpu",
) -> EnergyWindow:
    """The window between two readings of CPU accounting, of the domain that the model is of.

    All energies are missing (COUNTER_RESET) where the CPU time went back.
    """
    work = work_between(before, after, cores)
    comparable = None
    if work is None:
        detail = (
            "the CPU time went back: the readings are of two processes, or a child process ended "
            "whose CPU time the system threw away (its parent ignores SIGCHLD)"
        )
        gross = dynamic = Quantity.missing("J", Reason.COUNTER_RESET, detail)
    else:
        gross, dynamic = modelled_energy(work.cpu_s, work.wall_s, cores, model)
        comparable = comparable_energy(work, model)
    return EnergyWindow(
        meter=meter,
        domain=domain,
        gross=gross,
        idle_subtracted=dynamic,
        idle_allocated=gross,
        before=before,
        after=after,
        comparable=comparable,
    )
