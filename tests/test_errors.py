"""Errors speak to the person who reads them."""

from __future__ import annotations

import inspect
import re

from wattmark import errors


def tree() -> dict[str, str | None]:
    """The parent of every class in the tree at the top of the module."""
    found: dict[str, str | None] = {}
    above: list[str] = []
    for indent, name in re.findall(r"^( *)\* (\w+)", errors.__doc__ or "", re.MULTILINE):
        del above[len(indent) // 2 :]
        found[name] = above[-1] if above else None
        above.append(name)
    return found


def test_the_tree_at_the_top_of_the_module_is_the_tree_of_the_classes() -> None:
    classes = {
        name: cls
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.WattmarkError)
    }
    parents = {n: c.__base__.__name__ for n, c in classes.items() if n != "WattmarkError"}

    assert tree() == {"WattmarkError": None, **parents}


def test_what_the_user_can_mend_has_exit_code_2() -> None:
    assert errors.WattmarkError.exit_code == 1
    assert errors.InputError.exit_code == 2
    assert issubclass(errors.PlanError, errors.InputError)
    assert not issubclass(errors.MissingPackageError, errors.FrameworkError)


def test_an_unknown_name_comes_with_the_nearest_ones() -> None:
    error = errors.UnknownNameError("framework", "onnxruntim", ["onnxruntime", "jax"])

    assert error.nearest == ("onnxruntime",)
    assert "did you mean 'onnxruntime'?" in str(error)
    assert error.exit_code == 2


def test_an_unknown_name_without_a_near_one_comes_with_all() -> None:
    assert "known: jax, pytorch" in str(
        errors.UnknownNameError("framework", "zzz", ["pytorch", "jax"])
    )
