"""Exports: a result with its impact in the formats that others read.

One format a file; a format is a function from :class:`Subject` to :class:`Export`, named here.
What is not known is listed as an omission, in the document where the format has room for it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from wattmark.errors import UnknownNameError
from wattmark.exports.subject import Export, Omissions, Subject

#: format -> (module, function)
_FORMATS = {
    "boamps": ("boamps", "render_boamps"),
    "csv": ("plain", "render_csv"),
    "cyclonedx": ("cyclonedx", "render_cyclonedx"),
    "eu-ai-act-annex-xi": ("eu_ai_act", "render_eu_ai_act"),
    "itu-l1801": ("itu_l1801", "render_itu_l1801"),
    "json": ("plain", "render_json"),
    "model-card": ("model_card", "render_model_card"),
    "sci": ("sci", "render_sci"),
    "sci-ai": ("sci", "render_sci_ai"),
    "spdx": ("spdx", "render_spdx"),
}
FORMATS = tuple(_FORMATS)


def export(subject: Subject, format_: str) -> Export:
    """The subject in a format. Raises UnknownNameError, ExportError, MissingPackageError."""
    if format_ not in _FORMATS:
        raise UnknownNameError("export format", format_, FORMATS)
    module, function = _FORMATS[format_]
    render: Callable[[Subject], Export] = getattr(
        import_module(f"wattmark.exports.{module}"), function
    )
    return render(subject)


__all__ = ["FORMATS", "Export", "Omissions", "Subject", "export"]
