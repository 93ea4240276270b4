"""Manifests and journals that were damaged or edited."""

import json

import pytest

from keras_deid.errors import UserError
from keras_deid.restoring.manifest import MANIFEST, Manifest, settings_of, state

from ..mutations import mutations

SETTINGS = settings_of("negative", "0", None)


@pytest.fixture
def made(tmp_path):
    """A folder with three outputs, and their source."""
    source = tmp_path / "source.png"
    source.write_bytes(b"source")
    out = tmp_path / "out"
    out.mkdir()
    manifest = Manifest(out, SETTINGS)
    manifest.begin("abc")
    for name in "abc":
        (out / name).write_bytes(b"output")
        manifest.add(name, state(source), {})
    manifest.close()
    return source, out


def done(source, out):
    manifest = Manifest(out, SETTINGS)
    return [name for name in "abc" if manifest.is_done(name, source)]


@pytest.mark.parametrize("key", ["path", "source", "bytes"])
def test_a_row_of_the_journal_that_lacks_a_key_is_done_again(made, key):
    source, out = made
    assert done(source, out) == ["a", "b", "c"]
    lines = (out / ".manifest.jsonl").read_text().splitlines()
    row = json.loads(lines[3])
    del row[key]
    (out / ".manifest.jsonl").write_text("\n".join([*lines[:3], json.dumps(row)]))
    assert done(source, out) == ["a"]


@pytest.mark.parametrize("line", [b"3", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_line_of_the_journal_that_is_no_row_is_done_again(made, line):
    source, out = made
    lines = (out / ".manifest.jsonl").read_bytes().splitlines()
    (out / ".manifest.jsonl").write_bytes(b"\n".join([*lines[:4], line]))
    assert done(source, out) == ["a", "b"]


@pytest.mark.parametrize("text", ["", "3\n", "[]\n", "{\n", "\xff"])
def test_a_journal_without_settings_is_refused(made, text):
    source, out = made
    (out / ".manifest.jsonl").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="manifest.jsonl: is not a journal of restored pictures; delete it"):
        done(source, out)


@pytest.mark.parametrize(
    "change",
    [
        {"files": 3},
        {"files": [3]},
        {"files": [{"path": "a", "source": {}}]},
        {"files": [{"path": "a", "bytes": 3}]},
        {"files": [{"source": {}, "bytes": 3}]},
        {"files": [{"path": 3, "source": {}, "bytes": 3}]},
        {"schema": "three"},
        {"schema": None},
    ],
    ids=str,
)
def test_an_edited_manifest_is_refused(made, change):
    source, out = made
    manifest = Manifest(out, SETTINGS)
    manifest.begin("abc")
    manifest.finish("abc")
    assert done(source, out) == ["a", "b", "c"]
    path = out / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UserError, match=r"manifest\.json: is not a manifest of restored pictures; choose another fold"):
        done(source, out)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(made, content):
    source, out = made
    (out / MANIFEST).write_bytes(content)
    with pytest.raises(UserError, match=r"manifest\.json: is not a manifest of restored pictures; choose another fold"):
        done(source, out)


@pytest.mark.parametrize("finished", [True, False])
def test_however_it_is_edited_it_is_refused_in_one_line_or_goes_on(made, finished):
    source, out = made
    if finished:
        manifest = Manifest(out, SETTINGS)
        manifest.finish("abc")
    path = out / (MANIFEST if finished else ".manifest.jsonl")
    lines = [json.loads(path.read_text())] if finished else list(map(json.loads, path.read_text().splitlines()))
    went_on = 0
    for name, mutated in mutations(lines):
        if not isinstance(mutated, list):
            continue
        path.write_text("".join(f"{json.dumps(line)}\n" for line in mutated))
        try:
            kept = done(source, out)
            Manifest(out, SETTINGS).begin(["new"])
        except UserError as error:
            assert len(str(error).splitlines()) == 1, name
            continue
        went_on += 1
        assert set(kept) <= set("abc"), name
        (out / ".manifest.jsonl").unlink(missing_ok=finished)
    assert went_on
