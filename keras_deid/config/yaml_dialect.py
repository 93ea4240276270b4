"""The YAML dialect of the configuration files: numbers as in YAML 1.2, no aliases, no deep nesting."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.nodes import Node

DEEPEST = 20
"""Levels of sections and lists; a configuration has five at most."""


class Loader(yaml.SafeLoader):
    """YAML 1.2's floats: 2e-4 is a number, which YAML 1.1 reads as text.

    Aliases are refused: a value that holds itself has no end, and a few lines can stand for gigabytes.
    """

    _depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Composes a node and what is in it."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _error("aliases (*name) are not supported; write the value out", event)
        if self._depth == DEEPEST:
            raise _error(f"more than {DEEPEST} levels of nesting", event)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _error(problem: str, event: Any) -> ComposerError:
    return ComposerError(None, None, problem, event.start_mark)


def read_yaml(text: str) -> Any:
    """Reads a document of this dialect.

    Raises:
        yaml.YAMLError: if it is none.
    """
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError:
        raise
    except Exception as error:  # PyYAML's constructors raise whatever a wrong date, number or tag leads to
        raise yaml.YAMLError("a value that is not what its form says") from error


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:float"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"),
    list("-+.0123456789"),
)


class Dumper(yaml.SafeDumper):
    """Puts text that `Loader` would read as a number in quotes."""


Dumper.yaml_implicit_resolvers = Loader.yaml_implicit_resolvers
