"""Charts for documents: a Vega-Lite specification to SVG or PNG, without a browser."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wattmark.errors import InputError, MissingPackageError
from wattmark.outside.files import naming, writable


def check_chart(path: Path) -> None:
    """Refuse what no chart can be drawn into; a verb asks before it measures.

    Raises InputError for another suffix and for a path that cannot be written,
    MissingPackageError where vl-convert is not installed.
    """
    if path.suffix not in (".svg", ".png"):
        raise InputError(f"{path}: a chart is written as .svg or .png")
    if find_spec("vl_convert") is None:
        raise MissingPackageError(
            "drawing a chart needs vl-convert: pip install 'wattmark[charts]'"
        )
    writable(path)


def write_chart(specification: Mapping[str, Any], path: Path) -> None:
    """Draw a Vega-Lite specification into a file, ``.svg`` or ``.png``.

    Raises as :func:`check_chart` does.
    """
    check_chart(path)
    import vl_convert

    if path.suffix == ".svg":
        drawn = vl_convert.vegalite_to_svg(dict(specification)).encode()
    else:
        drawn = vl_convert.vegalite_to_png(dict(specification), scale=2.0)
    with naming(path):
        path.write_bytes(drawn)
