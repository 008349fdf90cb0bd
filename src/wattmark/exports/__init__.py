"""Exports: a result with its impact in the formats that others read.

One format a file, found by its entry point in the group ``wattmark.exports``; what it must offer is
:class:`wattmark.contracts.Export`, of a :class:`Subject`. What is not known is listed as an
omission, in the document where the format has room for it.
"""

from __future__ import annotations

from wattmark import registry
from wattmark.contracts import Exported
from wattmark.exports.subject import Omissions, Subject


def export(subject: Subject, format_: str) -> Exported:
    """The subject in a format. Raises UnknownNameError, ExportError, MissingPackageError."""
    return registry.export(format_).document(subject)


__all__ = ["Exported", "Omissions", "Subject", "export"]
