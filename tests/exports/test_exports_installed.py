"""Export formats as a whole: found by name, honest about what is open, each with its title."""

from __future__ import annotations

import pytest
from subjects import EVERYTHING, LITTLE

from wattmark import registry
from wattmark.errors import UnknownNameError
from wattmark.exports import export


@pytest.mark.parametrize("format_", registry.names("export"))
@pytest.mark.parametrize("known", [True, False], ids=["everything known", "little known"])
def test_every_format_holds_the_result_and_lists_what_is_open(format_: str, known: bool) -> None:
    made = export(EVERYTHING if known else LITTLE, format_)
    assert registry.export(format_).name == format_
    assert registry.export(format_).title
    assert EVERYTHING.result.id in made.text or EVERYTHING.run.id in made.text
    assert "nan" not in made.text.lower().split()
    assert known or made.omissions
    assert all(": " in omission for omission in made.omissions)


def test_an_unknown_format_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown export format 'boamp': did you mean 'boa"):
        export(EVERYTHING, "boamp")
