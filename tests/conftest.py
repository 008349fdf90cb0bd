"""Fixtures for all tests: a store of their own, a plug-in of a third party, a PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import real_postgresql
from hypothesis import settings

from wattmark import registry
from wattmark.conduct.events import Event
from wattmark.records import Plan, Run
from wattmark.workflows import runs

pytest_plugins = ["meter_fixtures"]

#: Workers of the tests share the cores with other tests. OpenMP's threads, which by default spin
#: while they wait for one another, then burn the core that the awaited one needs: a prefill of two
#: threads takes 4.5 times the CPU time that it takes with threads that sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

#: An example may take as long as the machine needs: load is no fault of what is tested.
settings.register_profile("wattmark", deadline=None)
settings.load_profile("wattmark")

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's runs, or asks the user's instruments."""
    monkeypatch.setenv("WATTMARK_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("WATTMARK_METERS", raising=False)
    monkeypatch.setattr(
        "wattmark.metering.configured.user_config_path", lambda *_, **__: tmp_path / "config"
    )


@pytest.fixture(autouse=True, scope="session")
def migrations_remembered() -> Iterator[None]:
    """New databases get their tables by what the migrations sent the first time."""
    from migrated_once import remembered

    with remembered():
        yield


@pytest.fixture(scope="session")
def plugin_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One artefact cache for all tests of the fake plug-in: its reference is computed once."""
    return tmp_path_factory.mktemp("cache")


@contextmanager
def _plugged(cache: Path) -> Iterator[pytest.MonkeyPatch]:
    """``tests/plugin`` is importable and discoverable, here and in worker processes."""
    path = os.pathsep.join(p for p in (str(PLUGIN), os.environ.get("PYTHONPATH")) if p)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        patch.setenv("WATTMARK_CACHE", str(cache))
        patch.syspath_prepend(str(PLUGIN))
        registry._group.cache_clear()
        yield patch
    registry._group.cache_clear()


@pytest.fixture
def fake_plugin(plugin_cache: Path) -> Iterator[None]:
    """The plug-in of a third party is installed."""
    with _plugged(plugin_cache):
        yield


@pytest.fixture(scope="module")
def run_of_the_module(
    plugin_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Plan], tuple[Run, list[Event]]]:
    """Run a plan of the plug-in for several tests: its run, and what it told on the way."""

    def run(plan: Plan) -> tuple[Run, list[Event]]:
        events: list[Event] = []
        with _plugged(plugin_cache) as patch:
            patch.setenv("WATTMARK_DATA", str(tmp_path_factory.mktemp("data")))
            patch.delenv("WATTMARK_METERS", raising=False)
            return runs.run(plan, observe=events.append), events

    return run


@pytest.fixture(scope="session")
def postgresql_folder() -> Iterator[str]:
    """A running PostgreSQL: the folder of its socket."""
    if real_postgresql.programs() is None:
        pytest.skip("no PostgreSQL on this machine")
    with real_postgresql.cluster() as folder:
        yield folder


@pytest.fixture(scope="session")
def new_postgresql(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes an empty schema of a PostgreSQL: its URL."""
    folder = request.getfixturevalue("postgresql_folder")
    return lambda: real_postgresql.new_url(folder)
