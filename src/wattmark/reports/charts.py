"""Charts for documents: a Vega-Lite specification to SVG or PNG, without a browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattmark.errors import InputError, MissingPackageError
from wattmark.outside.files import naming


def write_chart(specification: Mapping[str, Any], path: Path) -> None:
    """Draw a Vega-Lite specification into a file, ``.svg`` or ``.png``.

    Raises InputError for another suffix, MissingPackageError where vl-convert is not installed.
    """
    if path.suffix not in (".svg", ".png"):
        raise InputError(f"{path}: a chart is written as .svg or .png")
    try:
        import vl_convert
    except ImportError as error:
        raise MissingPackageError(
            "drawing a chart needs vl-convert: pip install 'wattmark[charts]'"
        ) from error
    if path.suffix == ".svg":
        drawn = vl_convert.vegalite_to_svg(dict(specification)).encode()
    else:
        drawn = vl_convert.vegalite_to_png(dict(specification), scale=2.0)
    with naming(path):
        path.write_bytes(drawn)
