"""Manifests of shards: kept as they were written, made again when somebody has edited them."""

import json

import pytest

pytest.importorskip("apache_beam")

from keras_deid.beam.manifests import manifest_name, read_manifest, write_manifest
from keras_deid.beam.places import Place
from keras_deid.beam.restore import _settings_before
from keras_deid.beam.shards import Shard
from keras_deid.errors import UserError

from ..mutations import mutations

SHARD = Shard(0, 1)
LINES = [
    {"inputs": "hash", "settings": {"model": "a"}, "complaints": []},
    {"path": "a.png", "bytes": 3, "copied": True},
]


def test_a_manifest_comes_back(tmp_path):
    out = Place.named(str(tmp_path))
    write_manifest(out, SHARD, LINES)
    assert read_manifest(out, SHARD, "hash") == LINES
    assert read_manifest(out, SHARD, "other") is None
    assert _settings_before(out, False) == {"model": "a"}


def test_one_that_was_edited_is_made_again(tmp_path):
    out = Place.named(str(tmp_path))
    write_manifest(out, SHARD, LINES)
    path = tmp_path / manifest_name(SHARD)
    whole = path.read_text()
    written = list(map(json.loads, whole.splitlines()))
    for name, mutated in mutations(written):
        lines = mutated if isinstance(mutated, list) else [mutated]
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        if text == whole:
            continue
        path.write_text(text)
        assert read_manifest(out, SHARD, "hash") is None, name


@pytest.mark.parametrize("text", ["", "{", "3\n", "[]\n"])
def test_what_is_no_manifest_is_said_in_one_line(tmp_path, text):
    out = Place.named(str(tmp_path))
    write_manifest(out, SHARD, LINES)
    (tmp_path / manifest_name(SHARD)).write_text(text)
    assert read_manifest(out, SHARD, "hash") is None
    with pytest.raises(UserError, match="is not a manifest; delete it, or choose another folder"):
        _settings_before(out, False)
