from __future__ import annotations

import subprocess
import sys
import time

import pytest

from wattmark.contracts import Scope
from wattmark.errors import MeterError
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.metrology.cpu_power import modelled_energy
from wattmark.quantities import Quantity, Reason
from wattmark.records import MeterReading

BURN = "import time\nwhile time.process_time() < 0.3: pass"


def burn(cpu_s: float) -> None:
    end = time.process_time() + cpu_s
    while time.process_time() < end:
        pass


@pytest.fixture
def meter():
    opened = ModelledCpu()
    opened.open(cores=2)
    yield opened
    opened.close()


def test_a_real_burn_shows_its_cpu_time(meter):
    before = meter.read()
    burn(0.2)
    after = meter.read()
    (window,) = meter.energy(before, after)
    cpu_s = after.values["cpu_s"] - before.values["cpu_s"]
    assert 0.2 <= cpu_s < 2.0
    _, gross, _ = window.gross.bounds()
    _, dynamic, _ = window.idle_subtracted.bounds()
    assert gross > dynamic > 0
    assert window.idle_allocated == window.gross
    wall_s = (after.time_ns - before.time_ns) / 1e9
    assert (gross, dynamic) == pytest.approx(
        tuple(q.value for q in modelled_energy(cpu_s, wall_s, 2, meter.model))
    )


def test_a_child_that_has_ended_is_counted(meter):
    before = meter.read()
    subprocess.run([sys.executable, "-S", "-E", "-c", BURN], check=True)
    after = meter.read()
    assert after.values["cpu_s"] - before.values["cpu_s"] >= 0.3


def test_it_says_what_it_covers_and_where_its_watts_come_from():
    info = ModelledCpu().open(cores=1)
    assert (info.domains, info.scope) == (("cpu",), Scope.PROCESS)
    assert "W per busy core" in info.detail and "; from " in info.detail


def test_a_window_whose_cpu_time_went_back_has_no_energy(meter):
    first, last = (
        MeterReading(time_ns=t, values={"cpu_s": c, "wall_s": t / 1e9})
        for t, c in ((1, 9.0), (2, 3.0))
    )
    (window,) = meter.energy(first, last)
    assert window.gross.reason is window.idle_subtracted.reason is Reason.COUNTER_RESET


def test_a_meter_that_was_not_opened_does_not_guess_the_cores():
    meter = ModelledCpu()
    with pytest.raises(MeterError, match="number of pinned cores"):
        meter.energy(meter.read(), meter.read())
    with pytest.raises(MeterError, match="at least one core"):
        meter.open(cores=0)


def test_a_recording_knows_the_model(meter):
    (channel,) = meter.channels()
    assert channel.key in meter.read().values
    assert channel.model is not None and isinstance(channel.model.busy_w, Quantity)
