"""What an instrument must offer: the interfaces of tasks, models, frameworks, scenarios, meters.

And what a rating rule, an export and a report format must offer.

They are protocols: a plug-in need not import a base class. Arrays are host numpy arrays; a
query's inputs are ``{input name: array}`` with a leading batch axis of 1, its output is one
array. A plug-in is found by its entry point (see :mod:`wattmark.registry`).
"""

from wattmark.contracts.availability import Availability
from wattmark.contracts.channel import Channel, CpuModel, Recordable, TraceUnit
from wattmark.contracts.export import Export, Exported
from wattmark.contracts.framework import Framework, Workspace, devices_of, precisions_of
from wattmark.contracts.meter import Meter, MeterInfo, Scope
from wattmark.contracts.meter_kind import MeterKind
from wattmark.contracts.model import HeldOutText, Mark, Model, Pipeline
from wattmark.contracts.network import (
    Inputs,
    InputSpec,
    Network,
    Output,
    Runner,
    Runners,
    State,
    StatefulRunner,
)
from wattmark.contracts.power_source import PowerSource, Timed
from wattmark.contracts.report_format import EndpointReportFormat, Reported, ReportFormat
from wattmark.contracts.rule import LimitedRule, Limits, Rule
from wattmark.contracts.scenario import LoadgenScenario, Pace, Scenario, Timeline
from wattmark.contracts.sensor import Sensor
from wattmark.contracts.task import DataSet, Example, Sensitivity, Task

__all__ = [
    "Availability",
    "Channel",
    "CpuModel",
    "DataSet",
    "EndpointReportFormat",
    "Example",
    "Export",
    "Exported",
    "Framework",
    "HeldOutText",
    "InputSpec",
    "Inputs",
    "LimitedRule",
    "Limits",
    "LoadgenScenario",
    "Mark",
    "Meter",
    "MeterInfo",
    "MeterKind",
    "Model",
    "Network",
    "Output",
    "Pace",
    "Pipeline",
    "PowerSource",
    "Recordable",
    "ReportFormat",
    "Reported",
    "Rule",
    "Runner",
    "Runners",
    "Scenario",
    "Scope",
    "Sensitivity",
    "Sensor",
    "State",
    "StatefulRunner",
    "Task",
    "Timed",
    "Timeline",
    "TraceUnit",
    "Workspace",
    "devices_of",
    "precisions_of",
]
