"""Pages that need nothing else: one HTML file with its style and its pictures, made from `report/page.html`."""

from __future__ import annotations

import base64
import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
from jinja2.runtime import Macro


def render(template: str, **values: Any) -> str:
    """Fills in a template; values are escaped in those that are called `*.html`.

    Args:
        template: its path in this package, for instance `"explain/report.html"`.
        values: what it names. `report/page.html` itself needs `contents`, with `settings` (a mapping) and `command`.

    Raises:
        jinja2.UndefinedError: if a value is missing.
    """
    return _environment().get_template(template).render(**values)


def wording(template: str) -> SimpleNamespace:
    """Returns the macros of a template as functions: what turns verdicts, which are data, into sentences.

    They return plain text. A page gets these functions instead of importing the template: the result of an imported
    macro would count as HTML and would not be escaped.
    """
    exported = vars(_environment().get_template(template).module)
    macros = {name: functools.partial(_text_of, value) for name, value in exported.items() if isinstance(value, Macro)}
    return SimpleNamespace(**{name: macros.get(name, value) for name, value in exported.items() if name[0] != "_"})


def _text_of(macro: Macro, *arguments: Any) -> str:
    return str(macro(*arguments))


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
        autoescape=jinja2.select_autoescape(["html"], default_for_string=False),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"data_uri": data_uri, "count_of": count_of, "listed": listed}
    return environment
