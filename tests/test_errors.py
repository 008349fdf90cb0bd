"""Errors speak to the person who reads them."""

from __future__ import annotations

import inspect

from wattmark import errors


def test_every_error_is_in_the_tree_at_the_top_of_the_module() -> None:
    tree = errors.__doc__ or ""
    classes = [
        c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
    ]

    assert len(classes) > 10
    for cls in classes:
        assert f"* {cls.__name__}" in tree
        assert issubclass(cls, errors.WattmarkError)


def test_an_unknown_name_comes_with_the_nearest_ones() -> None:
    error = errors.UnknownNameError("framework", "onnxruntim", ["onnxruntime", "jax"])

    assert error.nearest == ("onnxruntime",)
    assert "did you mean 'onnxruntime'?" in str(error)
    assert error.exit_code == 2


def test_an_unknown_name_without_a_near_one_comes_with_all() -> None:
    assert "known: jax, pytorch" in str(
        errors.UnknownNameError("framework", "zzz", ["pytorch", "jax"])
    )
