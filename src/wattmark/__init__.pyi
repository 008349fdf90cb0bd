from .errors import WattmarkError
from .metering.measured_function import measured
from .metering.repeating import Repeats, measure_repeats
from .metering.replay import ReplayMeter
from .metering.synthetic import SyntheticMeter
from .metering.window import Window, measure
from .quantities import Grade, Quantity, Reason
from .records import EndpointPlan, EndpointRun, Plan, Result, Run, Setup
from .workflows.endpoint_runs import run_endpoint
from .workflows.kinds import load, report
from .workflows.runs import resume, run
from .workflows.sweeping import Sweep, sweep

__all__ = [
    "EndpointPlan",
    "EndpointRun",
    "Grade",
    "Plan",
    "Quantity",
    "Reason",
    "Repeats",
    "ReplayMeter",
    "Result",
    "Run",
    "Setup",
    "Sweep",
    "SyntheticMeter",
    "WattmarkError",
    "Window",
    "load",
    "measure",
    "measure_repeats",
    "measured",
    "report",
    "resume",
    "run",
    "run_endpoint",
    "sweep",
]
