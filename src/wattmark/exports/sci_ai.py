"""SCI for AI: the consumer's score per output token or inference, the provider's per operation."""

from __future__ import annotations

from typing import Any

from wattmark.contracts import Exported
from wattmark.exports.sci_score import RULES, as_document, figure, identity, score
from wattmark.exports.subject import Omissions, Subject
from wattmark.quantities import Quantity


class SciAi:
    """The format ``sci-ai``."""

    name = "sci-ai"
    title = "SCI for AI (Green Software Foundation)"

    def document(self, subject: Subject) -> Exported:
        """The consumer's score per output token (or inference), the provider's per operation."""
        open_, tokens = Omissions(), subject.impact.use.tokens
        per_token = tokens is not None and tokens.known and tokens.bounds()[0] > 0
        basis = Quantity.exact(1.0, "1")
        if per_token:
            assert tokens is not None
            basis = (tokens / Quantity.exact(1.0, "token")) * Quantity.exact(1.0, "query")
            basis = Quantity.exact(1.0, "1") / basis
        consumer = {
            "functional_unit": "output token" if per_token else "inference",
            "effective": False,  # gross: all queries are counted, right or wrong
            **score(subject, basis, open_),
        }
        document = {
            "standard": "SCI for AI (Green Software Foundation, ratified 17 December 2025)",
            **identity(subject),
            "consumer": consumer,
            "provider": _provider(subject, open_),
            "rules": RULES,
        }
        return as_document(document, open_)


def _provider(subject: Subject, open_: Omissions) -> dict[str, Any] | None:
    training = subject.training
    if training is None:
        open_.add("provider", "give --training: nothing is known of training")
        return None
    carbon = subject.training_kg()
    open_.value("provider: SCI", carbon)
    if training.flops is None:
        open_.add("provider: functional unit", "training was not given by its operations")
        return {"functional_unit": "training, whole", "SCI_g": figure(carbon, "g")}
    return {
        "functional_unit": "FLOP of training",
        "SCI_g": figure(carbon / training.flop(), "g"),
    }
