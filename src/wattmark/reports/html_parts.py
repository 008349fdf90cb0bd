"""What every HTML page of ours shares: its template environment, and what its policy allows."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment


def html_environment(package: str) -> Environment:
    """Templates of a package, escaped, where an unknown name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def breakable(label: str) -> Markup:
    """A setup's or model's name, escaped, that may wrap after its slashes."""
    return Markup("/<wbr>").join(label.split("/"))


@cache
def static_text(name: str) -> str:
    """A style or script of the reports, to be written into a page."""
    return (resources.files("wattmark.reports") / "static" / name).read_text("utf-8")


def policy_hash(text: bytes) -> str:
    """What a script or style is allowed by: Content Security Policy Level 3, section 8.3."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"
