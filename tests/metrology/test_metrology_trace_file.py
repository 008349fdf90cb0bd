from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.contracts import Channel, CpuModel, Sensor, TraceUnit
from wattmark.errors import TraceError
from wattmark.metrology.trace_file import COLUMNS, header_lines, parse, sample_lines
from wattmark.quantities import Grade, Quantity, Reason

CPU = Channel(
    meter="rapl",
    key="cpu:0",
    domain="cpu",
    unit=TraceUnit.JOULES,
    grade=Grade.COUNTED,
    update_period_s=0.001,
    gain_low=0.9,
    gain_high=1.1,
    span_j=262143.328851,
    max_power_w=500.0,
)
GPU = Channel(
    meter="cards",
    key="gpu:0",
    domain="gpu:0",
    unit=TraceUnit.WATTS,
    grade=Grade.METERED,
    sensor=Sensor(0.1, 0.025, duty=0.25),
)
HEADER = header_lines([CPU, GPU], 0.1)
SAMPLE = "1000,rapl,cpu:0,J,5.0\n"


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def test_what_was_written_is_read_back():
    text = HEADER
    text += sample_lines([CPU], 1000, {"cpu:0": 5.25})
    text += sample_lines([GPU], 1001, {"gpu:0": 70.5})
    text += sample_lines([CPU], 2000, {})

    trace = parse(lines(text))

    cpu, gpu = trace.series
    assert (trace.period_s, trace.notes) == (0.1, ())
    assert (cpu.channel, gpu.channel) == (CPU, GPU)
    assert cpu.time_ns == [1000, 2000] and cpu.values[0] == 5.25 and math.isnan(cpu.values[1])
    assert trace.domains == (("rapl", "cpu"), ("cards", "gpu:0"))
    assert trace.span_ns == (1000, 2000)


@settings(derandomize=True, max_examples=50)
@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=20))
def test_no_digit_is_lost(values):
    text = HEADER + "".join(
        sample_lines([CPU], t, {"cpu:0": v}) for t, v in enumerate(values, start=1)
    )
    assert parse(lines(text)).series[0].values == values


def test_a_power_model_is_read_back():
    model = CpuModel(
        busy_w=Quantity.between(5.0, 1.0, 15.0, "W", grade=Grade.MODELLED),
        idle_share=Quantity.between(0.2, 0.1, 0.4, "1"),
        program_spread=0.1,
        cores=2,
    )
    channel = Channel(
        meter="modelled-cpu",
        key="cpu_s",
        domain="cpu",
        unit=TraceUnit.CPU_SECONDS,
        grade=Grade.MODELLED,
        model=model,
    )
    assert parse(lines(header_lines([channel], 1.0))).series[0].channel == channel


def test_a_last_line_that_was_cut_off_is_left_out_and_told():
    # "50.25" cut to "50" would be a plausible number
    trace = parse(lines(HEADER + SAMPLE + "2000,rapl,cpu:0,J,50"))
    assert trace.series[0].values == [5.0]
    assert trace.notes == ("line 4 is cut off and was left out",)


def test_a_trace_without_samples_is_a_trace():
    assert parse(lines(HEADER)).span_ns is None


def test_what_is_no_number_or_not_finite_is_a_hole():
    trace = parse(lines(HEADER + SAMPLE + "2000,rapl,cpu:0,J,nan\n3000,rapl,cpu:0,J,inf\n"))
    assert [math.isnan(v) for v in trace.series[0].values] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "line", "reason", "says"),
    [
        ("", 1, Reason.READ_FAILED, "the file is empty"),
        ("time,power\n", 1, Reason.NOT_SUPPORTED, "not a trace"),
        ("# wattmark-trace 2 {}\n", 1, Reason.NOT_SUPPORTED, "version '2' is unknown"),
        ("# wattmark-trace 1 {}\n", 1, Reason.READ_FAILED, "period_s: Field required"),
        ("# wattmark-trace 1 {\n", 1, Reason.READ_FAILED, "Invalid JSON"),
        (HEADER[:60], 1, Reason.READ_FAILED, "ends before its first sample"),
        (HEADER.replace("0.1,", "0,", 1), 1, Reason.READ_FAILED, "must be above 0"),
        (HEADER.replace('"W"', '"kW"'), 1, Reason.NOT_SUPPORTED, "unit"),
        (HEADER.replace(COLUMNS, "a,b"), 2, Reason.READ_FAILED, "the columns must be"),
        (HEADER + "1000,rapl,cpu:0\n", 3, Reason.READ_FAILED, "3 fields"),
        (HEADER + "soon,rapl,cpu:0,J,1\n", 3, Reason.READ_FAILED, "'soon'"),
        (HEADER + "1000,rapl,cpu:0,J,many\n", 3, Reason.READ_FAILED, "'many'"),
        (HEADER + "1000,rapl,cpu:0,J,-1\n", 3, Reason.READ_FAILED, "negative value: rapl cpu:0"),
        (HEADER + "1000,rapl,cpu:9,J,1\n", 3, Reason.READ_FAILED, "does not describe 'cpu:9'"),
        (HEADER + "1000,rapl,cpu:0,W,1\n", 3, Reason.NOT_SUPPORTED, "mixed units: rapl cpu:0"),
        (HEADER + "1000,rapl,cpu:0,mWh,1\n", 3, Reason.NOT_SUPPORTED, "unknown unit 'mWh'"),
        (HEADER + SAMPLE + SAMPLE, 4, Reason.CLOCK_WENT_BACK, "the clock stands still"),
        (
            HEADER + SAMPLE + "999,rapl,cpu:0,J,6\n",
            4,
            Reason.CLOCK_WENT_BACK,
            "the clock goes back: rapl cpu:0 at 999 ns, after 1000 ns",
        ),
    ],
)
def test_what_contradicts_the_format_is_told_with_its_line(text, line, reason, says):
    with pytest.raises(TraceError) as told:
        parse(lines(text), "my.csv")
    assert (told.value.line, told.value.reason) == (line, reason)
    assert f"my.csv, line {line}: " in str(told.value)
    assert says in str(told.value)


def test_a_domain_whose_channels_differ_in_unit_is_told():
    other = CPU.model_copy(update={"key": "cpu:1", "unit": TraceUnit.WATTS})
    with pytest.raises(TraceError, match="mixed units"):
        parse(lines(header_lines([CPU, other], 0.1)))


def test_the_clocks_of_two_channels_are_not_compared():
    trace = parse(lines(HEADER + SAMPLE + "900,cards,gpu:0,W,7\n"))
    assert trace.span_ns == (900, 1000)
