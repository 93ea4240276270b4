"""Pages that need nothing else: one HTML file with its style and its pictures, made from `page.html`."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2


def render_page(template: str, **values: Any) -> str:
    """Fills in a template that extends `page.html`.

    Args:
        template: its path in this package, for instance `"explain/report.html"`.
        values: what it names. `page.html` itself needs `contents`, with `settings` (a mapping) and `command`.

    Raises:
        jinja2.UndefinedError: if a value is missing.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["data_uri"] = data_uri
    return environment.get_template(template).render(**values)


def data_uri(png: bytes) -> str:
    """Returns a PNG file as what the `src` of an image may be; also a filter in templates."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
