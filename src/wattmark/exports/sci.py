"""SCI (ISO/IEC 21031:2024): grams of CO2e per query, and what is in them."""

from __future__ import annotations

from wattmark.contracts import Exported
from wattmark.exports.sci_score import RULES, as_document, identity, score
from wattmark.exports.subject import Omissions, Subject
from wattmark.quantities import Quantity


class Sci:
    """The format ``sci``."""

    name = "sci"
    title = "Software Carbon Intensity 1.0, ISO/IEC 21031:2024"

    def document(self, subject: Subject) -> Exported:
        """SCI = ((E x I) + M) per R, R being a query."""
        open_ = Omissions()
        document = {
            "standard": "ISO/IEC 21031:2024, Software Carbon Intensity 1.0",
            **identity(subject),
            "functional_unit": "query",
            **score(subject, Quantity.exact(1.0, "1"), open_),
            "rules": RULES,
        }
        return as_document(document, open_)
