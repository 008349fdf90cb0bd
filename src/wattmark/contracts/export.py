"""What an export must offer: a result with its impact as a document of somebody else's format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

#: What is exported: :class:`wattmark.exports.Subject`, which knows more than contracts may.
SubjectT_contra = TypeVar("SubjectT_contra", contravariant=True)


@dataclass(frozen=True)
class Exported:
    """A document, what it leaves open, and the schema that it was checked against, if any."""

    text: str
    omissions: tuple[str, ...]
    checked_against: str = ""


class Export(Protocol[SubjectT_contra]):
    """A format of registries, regulators or tools.

    What is not known is an omission, in the document where the format has room for it, and never
    a 0.
    """

    @property
    def name(self) -> str:
        """As written after ``--format``, and in its entry point."""
        ...

    @property
    def title(self) -> str:
        """The format and who defines it, for people."""
        ...

    def document(self, subject: SubjectT_contra) -> Exported:
        """The subject in this format.

        Raises ExportError where the format requires what is missing, or its schema refuses the
        document; MissingPackageError.
        """
        ...
