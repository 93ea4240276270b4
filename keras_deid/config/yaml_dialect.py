"""The YAML dialect of the configuration files: numbers as in YAML 1.2."""

from __future__ import annotations

import re

import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2's floats: 2e-4 is a number, which YAML 1.1 reads as text."""


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
