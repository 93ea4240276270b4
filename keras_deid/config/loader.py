"""Reads the configuration of a run from YAML.

A file may extend another one (`extends: street64.yaml`, relative to the file itself), and `key=value` words override
files. All mistakes of a configuration are reported together, a line each.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pydantic
import yaml

from keras_deid.config.mistakes import describe_mistake, dotted, shortened
from keras_deid.config.schema import Config
from keras_deid.config.yaml_dialect import DEEPEST, read_yaml
from keras_deid.errors import UserError
from keras_deid.shipped import find_config

RENAMED = {
    "data.prepare.val_share": "data.prepare.val_fraction",
    "data.prepare.test_share": "data.prepare.test_fraction",
    "deidentify.train_block": "deidentify.train_block_size",
    "deidentify.evaluate_block": "deidentify.block_size",
    "generator.gates": "generator.gate_init (open or default)",
    "loss.compose": "loss.composite",
}
"""Keys of version 0.1 and their present names."""

_LARGEST = 100_000
"""Bytes of a file; a complete configuration has four thousand."""

_Values = dict[str, Any]
_Origins = dict[tuple[str, ...], str]


def load_config(path: str | os.PathLike[str], overrides: Iterable[str] = ()) -> Config:
    """Reads a configuration file, applies overrides and validates the result.

    Args:
        path: YAML file, whose key `extends` names a file (relative to this one) that it extends; or the name of a
            preset, such as `"street64"`.
        overrides: words like `training.epochs=3`; the value is read as YAML.

    Raises:
        UserError: with a line for each mistake: key, where it was written, what was expected, what was received.

    Example:
        >>> import keras_deid
        >>> config = keras_deid.load_config("street64", ["training.epochs=3"])
        >>> config.data.image_size, config.training.epochs
        ((64, 64), 3)
    """
    path = find_config(path)
    values, origins = _read(path, ())
    for word in overrides:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise UserError(f"{word!r} on the command line: expected key=value, for instance training.epochs=3")
        if key.count(".") >= DEEPEST:
            raise UserError(f"{shortened(key)} on the command line: more than {DEEPEST} levels of keys")
        try:
            value = read_yaml(text)
        except yaml.YAMLError:
            raise UserError(f"{word!r} on the command line: the value is not readable as YAML") from None
        _merge(values, origins, _nest(key.split("."), value), "the command line", ())
    try:
        return Config.model_validate(values)
    except pydantic.ValidationError as error:
        raise UserError("\n".join(_line(mistake, origins, str(path)) for mistake in error.errors())) from None


def _read(path: Path, seen: tuple[Path, ...]) -> tuple[_Values, _Origins]:
    """Returns the merged values of a file and those it extends, and the file that last set each key."""
    if path.resolve() in seen:
        raise UserError(f"{path}: extends itself")
    if len(seen) == DEEPEST:
        raise UserError(f"{path}: more than {DEEPEST} files that extend each other")
    try:
        own = read_yaml(_read_text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise UserError(f"{path}{where}: not readable as YAML: {problem}") from None
    if own is None:  # an empty file
        own = {}
    if not isinstance(own, dict):  # whose content is not shown: `extends` may name any file
        raise UserError(f"{path}: is not a configuration: expected keys and values")
    base = own.pop("extends", None)
    if base is not None and (not isinstance(base, str) or "\0" in base):
        raise UserError(f"{path}: extends: expected the name of a file, received {shortened(base)}")
    values, origins = _read(path.parent / base, (*seen, path.resolve())) if base else ({}, {})
    _merge(values, origins, own, str(path), ())
    return values, origins


def _read_text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise UserError(f"{path}: is not a configuration: larger than {_LARGEST} bytes")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"{path}: cannot be read as a configuration: {reason}") from None


def _merge(values: _Values, origins: _Origins, newer: Mapping[str, Any], origin: str, at: tuple[str, ...]) -> None:
    for key, value in newer.items():
        here = (*at, str(key))
        origins[here] = origin
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            _merge(values[key], origins, value, origin, here)
        elif isinstance(value, Mapping):
            values[key] = {}
            _merge(values[key], origins, value, origin, here)
        else:
            values[key] = value


def _nest(keys: list[str], value: Any) -> _Values:
    for key in reversed(keys):
        value = {key: value}
    return value


def _line(mistake: Any, origins: _Origins, path: str) -> str:
    keys = tuple(str(part) for part in mistake["loc"])
    origin = next((origins[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in origins), path)
    if mistake["type"] == "extra_forbidden":
        if ".".join(keys) in RENAMED:
            return f"{origin}: {'.'.join(keys)}: renamed; write {RENAMED['.'.join(keys)]}"
        near = difflib.get_close_matches(keys[-1], _known_keys(keys[:-1]), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(_known_keys(keys[:-1]))}"
        return f"{origin}: {dotted(keys)}: unknown key; {hint}"
    return f"{origin}: {describe_mistake(mistake)}"


def _known_keys(section: tuple[str, ...]) -> list[str]:
    model: Any = Config
    for key in section:
        field = getattr(model, "model_fields", {}).get(key)
        if field is None:
            return []
        model = field.annotation
    return list(getattr(model, "model_fields", {}))
