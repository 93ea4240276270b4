"""Pages that need nothing else: one HTML file with its style and its pictures, made from `report/page.html`."""

from __future__ import annotations

import base64
import functools
from pathlib import Path
from typing import Any

import jinja2


def render(template: str, **values: Any) -> str:
    """Fills in a template; values are escaped in those that are called `*.html`.

    Args:
        template: its path in this package, for instance `"explain/report.html"`.
        values: what it names. `report/page.html` itself needs `contents`, with `settings` (a mapping) and `command`.

    Raises:
        jinja2.UndefinedError: if a value is missing.
    """
    return _environment().get_template(template).render(**values)


def wording(template: str) -> Any:
    """Returns the macros of a template as functions: what turns verdicts, which are data, into sentences."""
    return _environment().get_template(template).module


def data_uri(png: bytes) -> str:
    """Returns a PNG file as what the `src` of an image may be; also a filter in templates."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def count_of(number: int, noun: str) -> str:
    """Says "1 photo", "2 photos"; also a filter in templates."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(words: list[str]) -> str:
    """Says "a", "a and b", "a, b and c"; also a filter in templates."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[1]),
        autoescape=jinja2.select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"data_uri": data_uri, "count_of": count_of, "listed": listed}
    return environment
