"""Live progress of a run on stderr: what happens, how far it is, what is left.

Lines change only when an event arrives, that is between windows: there is no refreshing thread
that could disturb a measurement.
"""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from wattmark.conduct.events import Event, Stage

_LABELS = {
    Stage.DATA: "Model and data",
    Stage.REFERENCE: "Reference",
    Stage.PREPARE: "Prepare",
    Stage.LOAD: "Load",
    Stage.WARM_UP: "Warm up",
    Stage.IDLE: "Power at idle",
    Stage.MEASURE: "Measure",
}
_BAR_CELLS = 24


class Progress:
    """An observer that draws; ``show=False`` makes it silent."""

    def __init__(self, show: bool = True) -> None:
        self._show = show
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._start = time.monotonic()
        self._stage: Stage | None = None

    def __enter__(self) -> Progress:
        if self._show and self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        if not self._show:
            return
        if event.stage is Stage.FAILED:
            self._console.print(f"[red]failed[/] {event.trial}: {event.text}", highlight=False)
        elif self._console.is_terminal:
            self._live.update(self._line(event), refresh=True)
        elif event.stage is not self._stage or event.stage is Stage.PREPARE:
            self._console.print(f"{self._elapsed()} {self._describe(event)}", highlight=False)
        self._stage = event.stage

    def _line(self, event: Event) -> Table:
        grid = Table.grid(padding=(0, 1))
        filled = round(_BAR_CELLS * min(1.0, event.done / event.total)) if event.total else 0
        bar = Text("━" * filled, style="green") + Text("━" * (_BAR_CELLS - filled), style="dim")
        grid.add_row(self._elapsed(), bar, self._describe(event))
        return grid

    def _elapsed(self) -> str:
        seconds = int(time.monotonic() - self._start)
        return f"{seconds // 60}:{seconds % 60:02d}"

    @staticmethod
    def _describe(event: Event) -> str:
        parts = [_LABELS[event.stage]]
        if event.total > 1:
            parts.append(f"{event.done}/{event.total}")
        parts += [part for part in (event.trial, event.text) if part]
        if event.remaining_s is not None:
            parts.append(f"about {event.remaining_s:.0f} s left")
        return "  ".join(parts)
