from dataclasses import replace

import numpy as np
import pytest
from tiny_models import TinyConvNet, TinyCrossDecoder, TinyDecoder, TinyTransformer

from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import (
    bucket_shapes,
    bucket_sizes,
    example_inputs,
    initial_state,
)


def test_a_network_of_fixed_shape_has_one_bucket():
    assert bucket_sizes(TinyConvNet()) == [{}]
    assert bucket_shapes(TinyConvNet()) == [((1, 3, 32, 32),)]


def test_without_listed_sizes_all_combinations_occur():
    sizes = bucket_sizes(TinyCrossDecoder())
    assert len(sizes) == 2 * 1 * 2
    assert {"length": 4, "context": 16, "frames": 10} in sizes


def test_listed_sizes_are_all_there_are_and_come_smallest_first():
    listed = ({"length": 8, "context": 32}, {"length": 1, "context": 16})
    assert bucket_sizes(replace(TinyDecoder(), sizes=listed)) == [listed[1], listed[0]]


def test_shapes_are_those_of_inputs_and_then_of_reads():
    smallest = bucket_shapes(TinyDecoder())[0]
    assert smallest == ((1, 1), (1,), (1,), *[(1, 4, 16, 8)] * 4)


def test_a_batch_widens_the_first_axis_of_everything():
    widened = bucket_shapes(TinyDecoder().with_batch(3))[0]
    assert [shape[0] for shape in widened] == [3] * 7


@pytest.mark.slow
def test_examples_are_valid_for_every_shape():
    import torch

    for network in (TinyTransformer(), TinyConvNet(), TinyDecoder(), TinyCrossDecoder()):
        for shapes in bucket_shapes(network):
            example = example_inputs(network, shapes)
            assert [array.shape for array in example.values()] == list(shapes)
            network.module()(*map(torch.from_numpy, example.values()))


def test_state_starts_as_zeros_and_an_axis_of_one_size_need_not_be_given():
    state = initial_state(TinyCrossDecoder(), {"frames": 5})
    assert state["cross_key_0"].shape == (1, 4, 5, 8)
    assert state["cache_value_1"].shape == (1, 4, 16, 8)
    assert not any(np.any(array) for array in state.values())


def test_an_axis_without_a_size_is_named():
    with pytest.raises(FrameworkError, match="'context'"):
        initial_state(TinyDecoder(), {"length": 1})
