"""One call of one network: how a classifier or an encoder answers."""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.contracts import Inputs, Mark, Output, Runners
from wattmark.errors import UnsupportedSetupError


class Forward:
    """Calls the network named ``forward`` with the query's arrays. It has no options."""

    phases: Mapping[str, str] = {}

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises UnsupportedSetupError, naming them, where there are options."""
        if options:
            raise UnsupportedSetupError(
                f"the option {', '.join(sorted(options))} does not fit a model that answers with "
                "one call of its network: remove it from the setup"
            )

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        """The network's output; nothing is marked."""
        return self.probe(runners, inputs)

    def probe(self, runners: Runners, inputs: Inputs) -> Output:
        """The network's output."""
        output: Output = runners["forward"](inputs)
        return output
