"""The interleaved rounds: workers take turns until the ratios are known well enough.

Every round index is measured for all living trials before the next, so that a stop never leaves
one trial ahead of another. The rule looks after each index: more rounds of the same processes are
not needed where every trial's latency and CPU-time ratio to the baseline has a confidence sequence
narrower than the plan asks (a rule that stays honest under continuous looking), and more processes
are not where the ratios' intervals, which hold the spread between processes, are as narrow. Until
then fresh processes are started, the plan's number or more. A plan of one process a setup stops
without that and says so; any stops when the next index would not fit the time budget. The budget
counts from the first round: loading for it belongs to the preparations, loading of fresh processes
later on to the measuring.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np

from wattmark.conduct.events import Event, Observer, Stage
from wattmark.conduct.ratio_watch import RatioWatch
from wattmark.conduct.recorder import Recorder
from wattmark.conduct.schedule import (
    Progress,
    block,
    last_execution,
    renewal_due,
    rounds_of_a_pass,
    share_of_a_pass,
    turn_order,
)
from wattmark.conduct.session import TrialSession
from wattmark.errors import WattmarkError, WorkerError
from wattmark.machine.memory import available_bytes
from wattmark.records import IdleRecord, Plan, StopReason
from wattmark.statistics import PastSpreads

#: Share of all rounds that may be repeated because of contention.
REPEAT_SHARE = 0.2
#: Power at idle is measured again after this time, and before the workers end.
IDLE_MAX_AGE_S = 60.0
MIN_ROUNDS_TO_STOP = 5
#: Rounds that are run whatever the budget says: fewer give no ratio.
MIN_ROUNDS = 3
LOADS_AT_ONCE = 2
#: Memory to leave free, and what a worker is assumed to need until one has been seen.
MEMORY_RESERVE_BYTES = 1 << 30
FIRST_GUESS_RSS_BYTES = 1 << 30


class RoundLoop:
    """Runs rounds for a set of sessions; failed ones leave it, the rest go on."""

    def __init__(
        self,
        plan: Plan,
        sessions: dict[str, TrialSession],
        recorder: Recorder,
        queries: int,
        observe: Observer,
        fail: Callable[[str, str, WattmarkError], None],
        past: PastSpreads | None = None,
    ) -> None:
        self.plan = plan
        self.sessions = dict(sessions)
        self.recorder = recorder
        self.queries = queries
        self.observe = observe
        self.fail = fail
        self.first_round_at: float | None = None
        self._idle_wanted = True
        self._idle_at = -math.inf
        self._idle_of: tuple[str, ...] = ()
        self._repeats_left = int(REPEAT_SHARE * plan.rounds * len(sessions)) + 1
        self._watch = RatioWatch(plan, past)
        self._index_s: list[float] = []
        self._load_s = 0.0
        self._rounds_here = 0
        self._executions = 1 + len({r.execution for r in recorder.recorded().rounds})
        for done in recorder.recorded().rounds:
            if not done.superseded:
                self._watch.remember(done, recorder.load_samples(done.samples))

    def run(self) -> StopReason:
        """Measure until the rule says stop; workers are gone when this returns or raises."""
        try:
            return self._run()
        finally:
            for session in self.sessions.values():
                session.kill()

    def _run(self) -> StopReason:
        index = 0
        while self.sessions:
            if all(self._watch.has(t, index) for t in self.sessions):
                index += 1
                continue
            progress = self._progress()
            if (reason := self._stop(index, progress)) is not None:
                self._measure_idle(after=True)
                self._stop_workers(self.sessions)
                return reason
            if renewal_due(self.plan, progress):
                self._measure_idle(after=True)
                self._stop_workers(self.sessions)
                self._executions, self._rounds_here = self._executions + 1, 0
            began = time.monotonic()
            if waiting := [t for t in self.sessions if not self.sessions[t].alive]:
                self._start_workers(waiting)
                self._load_s = max(self._load_s, time.monotonic() - began)
                self._measure_idle()
            began = time.monotonic()
            self.first_round_at = self.first_round_at or began
            self._measure_index(index)
            self._index_s.append(time.monotonic() - began)
            self._rounds_here += 1
            index += 1
        return StopReason.NOTHING_LEFT

    def _progress(self) -> Progress:
        enough = max(MIN_ROUNDS, share_of_a_pass(self.plan, self.queries))
        narrow = self._rounds_here >= enough and self._watch.narrow(self.sessions)
        return Progress(
            executions=self._executions,
            measured_s=sum(self._index_s),
            round_s=float(np.median(self._index_s)) if self._index_s else 0.0,
            load_s=self._load_s,
            left_s=self.plan.budget_s - self._spent_s(),
            narrow=narrow,
            known=narrow and self._watch.known(self.sessions),
        )

    def _stop(self, index: int, progress: Progress) -> StopReason | None:
        whole_pass = rounds_of_a_pass(self.plan, self.queries)
        if self.plan.loadgen is not None and index >= whole_pass:
            return StopReason.ALL_TESTS
        may_stop = index >= (
            whole_pass if self.plan.complete_pass else min(MIN_ROUNDS_TO_STOP, whole_pass)
        )
        if may_stop and progress.narrow and last_execution(self.plan, progress):
            return StopReason.NARROW if progress.known else StopReason.PROCESSES
        if index < MIN_ROUNDS or not self._index_s:
            return None
        return StopReason.BUDGET if progress.round_s > progress.left_s else None

    def _spent_s(self) -> float:
        return time.monotonic() - self.first_round_at if self.first_round_at else 0.0

    def _start_workers(self, trials: list[str]) -> None:
        """Load, two at a time, what fits in memory together; then warm up one after another.

        Processes are started by this thread: a worker is killed with the thread that started it.
        """
        waiting = sorted(trials, key=lambda t: -self.sessions[t].load_s)  # long ones first
        loading: dict[Future[None], str] = {}
        with ThreadPoolExecutor(LOADS_AT_ONCE) as pool:
            try:
                while waiting or loading:
                    if waiting and len(loading) < LOADS_AT_ONCE:
                        trial = waiting.pop(0)
                        done = len(trials) - len(waiting) - len(loading) - 1
                        self.observe(Event(Stage.LOAD, done, len(trials), trial))
                        if self._fits():
                            self.sessions[trial].start()
                            loading[pool.submit(self.sessions[trial].wait_loaded)] = trial
                        continue
                    for future in wait(loading, return_when=FIRST_COMPLETED).done:
                        self._guard(loading.pop(future), future.result)
            except BaseException:
                for session in self.sessions.values():
                    session.kill()  # so that the pool's threads end
                raise
        alive = [t for t in trials if self._is_alive(t)]
        for done, trial in enumerate(alive):
            self.observe(Event(Stage.WARM_UP, done, len(alive), trial))
            self._guard(trial, self.sessions[trial].warm_up)

    def _fits(self) -> bool:
        peaks = [s.peak_rss_bytes for s in self.sessions.values()]
        largest = max(FIRST_GUESS_RSS_BYTES, *peaks)
        return available_bytes() > LOADS_AT_ONCE * largest + MEMORY_RESERVE_BYTES

    def _measure_idle(self, *, after: bool = False) -> None:
        """What the devices draw while all workers wait, before or ``after`` the rounds.

        Not before them where it was measured lately of the same workers, and not at all where the
        meters know it themselves.
        """
        waiting = tuple(t for t, session in self.sessions.items() if session.alive)
        recent = time.monotonic() - self._idle_at < IDLE_MAX_AGE_S and waiting == self._idle_of
        recent = recent and not after
        if not waiting or recent or not self._idle_wanted:
            return
        self.observe(Event(Stage.IDLE, 0, 1, waiting[0]))
        measured: list[IdleRecord | None] = []
        asked = self.sessions[waiting[0]]
        if after:
            try:
                measured.append(asked.idle())
            except WorkerError:  # the rounds are there: their power at idle is that of before
                asked.kill()
        else:
            self._guard(waiting[0], lambda: measured.append(asked.idle()))
        for idle in measured:
            self._idle_wanted = idle is not None
            self._idle_at, self._idle_of = time.monotonic(), waiting
            if idle is not None:
                self.recorder.add_idle(idle)

    def _is_alive(self, trial: str) -> bool:
        return trial in self.sessions and self.sessions[trial].alive

    def _measure_index(self, index: int) -> None:
        order = turn_order(self.plan, list(self.sessions), index)
        first, last = block(self.plan, self.queries, index)
        for turn, trial in enumerate(order):
            if self._watch.has(trial, index):
                continue
            self.observe(
                Event(
                    Stage.MEASURE,
                    index * len(order) + turn,
                    max(rounds_of_a_pass(self.plan, self.queries), index + 1) * len(order),
                    trial,
                    f"round {index + 1}",
                    self._remaining_s(index, turn / len(order)),
                )
            )
            self._guard(trial, lambda t=trial: self._turn(t, index, first, last))  # type: ignore[misc]

    def _turn(self, trial: str, index: int, first: int, last: int) -> None:
        session = self.sessions[trial]
        visiting = not session.alive  # did not fit in memory with the others
        if visiting:
            session.start()
            session.wait_loaded()
            session.warm_up()
        done, samples = session.round(index, first, last, 0)
        while (
            done.contended
            and done.attempt < self.plan.contention_repeats
            and self._repeats_left > 0
        ):
            self._repeats_left -= 1
            self.recorder.supersede(done)
            done, samples = session.round(index, first, last, done.attempt + 1)
        self._watch.remember(done, samples)
        if visiting:
            session.stop()

    def _guard(self, trial: str, action: Callable[[], None]) -> None:
        session = self.sessions[trial]
        try:
            action()
        except WorkerError as error:
            session.kill()
            del self.sessions[trial]
            self.fail(trial, session.stage, error)

    def _stop_workers(self, trials: Iterable[str]) -> None:
        for trial in trials:
            self.sessions[trial].stop()

    def _remaining_s(self, index: int, share: float) -> float | None:
        if not self._index_s:
            return None
        left = max(rounds_of_a_pass(self.plan, self.queries) - index, 1) - share
        budget_left_s = self.plan.budget_s - self._spent_s()
        return max(0.0, min(left * float(np.median(self._index_s)), budget_left_s))
