"""JAX: the models that it is given, in one jit per bucket, without torch in the worker."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from captured_artefacts import (
    Sorting,
    difference,
    load_in_a_fresh_process,
    with_one_wrong_tensor,
)
from tiny_models import TinyConvNet, TinyTransformer, reference_outputs

from wattmark.contracts import Inputs, Model, Workspace
from wattmark.errors import FrameworkError, UnsupportedOpError
from wattmark.frameworks.jax import Jax
from wattmark.records import Setup

pytestmark = pytest.mark.slow

SETUP = Setup(framework="jax", mode="jit")


def prepared(space: Workspace) -> Path:
    Jax().prepare(space)
    return space.out


def test_outputs_equal_the_reference_and_a_wrong_weight_shows(
    model: Model, queries: list[Inputs], workspace: Callable[..., Workspace]
) -> None:
    folder = prepared(workspace(model, "jax", "jit"))
    reference = reference_outputs(model, queries)
    runner = Jax().load(folder, model, SETUP, 1)
    ours = [runner(query) for query in queries]
    assert all(type(o) is np.ndarray and o.dtype == np.float32 for o in ours)
    assert difference(ours, reference) < 1e-5

    with_one_wrong_tensor(folder)
    runner = Jax().load(folder, model, SETUP, 1)
    assert difference([runner(query) for query in queries], reference) > 1e-2


def test_prepare_compiles_and_load_does_not(workspace: Callable[..., Workspace]) -> None:
    from jax import monitoring

    folder = prepared(workspace(TinyTransformer(), "jax", "jit"))
    compiled = [path for path in (folder / "compiled").rglob("*") if path.is_file()]
    assert len(compiled) >= 2
    moved = folder.rename(folder.with_name("moved"))
    events: list[str] = []
    monitoring.register_event_listener(lambda event, **_: events.append(event))
    Jax().load(moved, TinyTransformer(), SETUP, 1)
    assert events.count("/jax/compilation_cache/cache_hits") >= 2
    assert "/jax/compilation_cache/cache_misses" not in events
    assert len([p for p in (moved / "compiled").rglob("*") if p.is_file()]) == len(compiled)


def test_an_unknown_shape_is_refused(workspace: Callable[..., Workspace]) -> None:
    folder = prepared(workspace(TinyConvNet(), "jax", "jit"))
    runner = Jax().load(folder, TinyConvNet(), SETUP, 1)
    with pytest.raises(FrameworkError, match=r"\(1, 3, 9, 9\).*there are.*\(1, 3, 32, 32\)"):
        runner({"image": np.zeros((1, 3, 9, 9), np.float32)})


def test_an_unknown_operator_is_named_when_preparing(workspace: Callable[..., Workspace]) -> None:
    with pytest.raises(UnsupportedOpError, match=r"JAX.*aten\.sort\.default"):
        Jax().prepare(workspace(Sorting(), "jax", "jit"))


def test_a_worker_does_not_import_torch(workspace: Callable[..., Workspace]) -> None:
    folder = prepared(workspace(TinyConvNet(), "jax", "jit"))
    load_in_a_fresh_process(folder, "jax", "Jax", "jit")


def test_one_thread_is_asked_of_xla(tmp_path: Path) -> None:
    variables = Jax().environment(SETUP, tmp_path, 1)
    assert variables["JAX_PLATFORMS"] == "cpu"
    assert "multi_thread_eigen=false" in variables["XLA_FLAGS"]
    assert "XLA_FLAGS" not in Jax().environment(SETUP, tmp_path, 2)
