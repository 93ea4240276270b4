"""Edits of a JSON document, one at a time, as somebody may make them by hand."""

import copy

OTHERS = (None, True, -1, "x", [], {"x": 1})


def mutations(content):
    """Yields the document without each of its keys, and with a value of each other kind in each place, with a name."""
    for keys in _places(content):
        for other in OTHERS:
            mutated = copy.deepcopy(content)
            _parent(mutated, keys)[keys[-1]] = other
            yield f"{'.'.join(map(str, keys))} = {other!r}", mutated
        mutated = copy.deepcopy(content)
        del _parent(mutated, keys)[keys[-1]]
        yield f"without {'.'.join(map(str, keys))}", mutated
    for other in OTHERS:
        yield f"all = {other!r}", other


def _places(content, keys=()):
    if keys:
        yield keys
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _places(value, (*keys, key))
    elif isinstance(content, list):
        for index, value in enumerate(content[:2]):
            yield from _places(value, (*keys, index))


def _parent(content, keys):
    for key in keys[:-1]:
        content = content[key]
    return content
