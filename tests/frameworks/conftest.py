"""The two small models as a parameter, their queries, and a workspace to prepare them in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import setuptools  # noqa: F401 - replaces distutils, so before a framework imports that
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.contracts import Inputs, Model, Workspace
from wattmark.records import Precision, Setup


@pytest.fixture(params=[TinyTransformer, TinyConvNet], ids=["transformer", "convnet"])
def model(request: pytest.FixtureRequest) -> Model:
    return request.param()


@pytest.fixture
def queries(model: Model) -> list[Inputs]:
    """Real-looking inputs that cover every padding bucket."""
    return model.preprocess([3, 8, 11, 16])


@pytest.fixture
def workspace(tmp_path: Path) -> Callable[..., Workspace]:
    """Make a workspace: ``workspace(model, "jax", "jit", "fp32", calibration=[...])``."""

    def make(
        model: Model,
        framework: str,
        mode: str,
        precision: str = "fp32",
        calibration: Sequence[Inputs] = (),
    ) -> Workspace:
        out = tmp_path / f"{framework}-{mode}-{precision}"
        out.mkdir()

        def shared(key: str, build: Callable[[Path], None]) -> Path:
            folder = tmp_path / "shared" / key
            if not folder.exists():
                folder.mkdir(parents=True)
                build(folder)
            return folder

        setup = Setup(framework=framework, mode=mode, precision=Precision(precision))
        return Workspace(model, setup, out, shared, calibration)

    return make
