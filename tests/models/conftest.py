"""Run stateless networks as they are, on PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wattmark.contracts import Inputs, Model, Network, Output


@pytest.fixture(scope="session")
def answer() -> Callable[..., Output]:
    """``answer(network, module, inputs)``: the module's output for a query's arrays."""
    torch = pytest.importorskip("torch")

    def run(network: Network, module: object, inputs: Inputs) -> Output:
        columns = (torch.from_numpy(inputs[spec.name]) for spec in network.inputs)
        with torch.inference_mode():
            return module(*columns).numpy()

    return run


@pytest.fixture(scope="session")
def exported() -> Callable[..., Callable[..., object]]:
    """``exported(network, module, inputs)``: the module captured once, its lengths left free."""
    torch = pytest.importorskip("torch")

    def export(network: Network, module: object, inputs: Inputs) -> Callable[..., object]:
        length = torch.export.Dim("length", min=2, max=512)
        shapes = tuple(
            {axis: length for axis, size in enumerate(spec.shape) if size == "length"}
            for spec in network.inputs
        )
        columns = tuple(torch.from_numpy(inputs[spec.name]) for spec in network.inputs)
        return torch.export.export(module, columns, dynamic_shapes=shapes).module()

    return export


@pytest.fixture(scope="session")
def only_network() -> Callable[[Model], Network]:
    """The network of a model that has one, and it is named ``forward``."""

    def only(model: Model) -> Network:
        (network,) = model.networks()
        assert network.name == "forward"
        return network

    return only
