"""Hostile requests at the exported graph itself, through the C API in a child process, as a server would run them."""

import numpy as np
import pytest

from . import hostile
from .conftest import HEIGHT, WIDTH, as_strings, decode, encode

MEBIBYTE = 2**20


@pytest.fixture
def good(pictures, signatures):
    """A request to each signature of files, and what has to come of it."""
    boxes = np.float32([[(4, 2, 20, 14)]])
    contents = as_strings(encode(pictures[0]))
    plain = signatures["serve_bytes"](image_bytes=contents.tolist())["restored_bytes"].numpy()
    marked = signatures["locate_bytes"](image_bytes=contents.tolist())["hidden_bytes"].numpy()
    boxed = signatures["serve_bytes_boxes"](image_bytes=contents.tolist(), boxes=boxes)["restored_bytes"].numpy()
    return [
        ("serve_bytes", {"image_bytes": contents}, plain),
        ("serve_bytes_boxes", {"image_bytes": contents, "boxes": boxes}, boxed),
        ("locate_bytes", {"image_bytes": contents}, marked),
    ]


def check(measured_in_child, good, count, seed):
    """Sends hostile requests, after each hundred a good one; returns the child's memory after each hundred."""
    random = np.random.default_rng(seed)
    requests, expected = [], []
    for number in range(count):
        requests.append(hostile.any_request(random))
        expected.append(None)
        if number % 100 == 99:
            name, inputs, answer = good[number // 100 % len(good)]
            requests.append((name, inputs))
            expected.append(answer)
    answers = measured_in_child(requests)
    assert len(answers) == len(requests)
    resident = []
    for (answer, now, _), wanted in zip(answers, expected, strict=True):
        if wanted is not None:
            np.testing.assert_allclose(np.int32(decode(answer[0])), decode(wanted[0]), atol=1)
            resident.append(now)
    # Neither all are refused nor all answered: the requests are worth something.
    refused = np.mean([isinstance(answer, str) for answer, *_ in answers])
    assert 0.2 < refused < 0.9
    return resident


def test_hostile_requests_are_answered(measured_in_child, good):
    check(measured_in_child, good, 300, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_hostile_requests(measured_in_child, good):
    resident = check(measured_in_child, good, 10_000, seed=1)
    # The first thousands fill the allocator's pools, and what oneDNN keeps for each new size of picture (1,024).
    assert resident[-1] - resident[len(resident) // 2] < 50 * MEBIBYTE


def test_bombs_are_refused_before_they_take_memory(measured_in_child, good):
    boxes = np.float32([[(0, 0, 9, 9)]])
    bombs = hostile.bombs()
    requests = [("serve_bytes", {"image_bytes": as_strings(content)}) for content in bombs.values()]
    requests += [
        ("serve_bytes_boxes", {"image_bytes": as_strings(content), "boxes": boxes}) for content in bombs.values()
    ]
    requests += [("locate_bytes", {"image_bytes": as_strings(content)}) for content in bombs.values()]
    warm = [(name, inputs) for name, inputs, _ in reversed(good)]
    answers = measured_in_child([*warm, *requests, *warm])
    hostile_ones = answers[len(warm) : -len(warm)]
    not_refused = [
        name for name, (answer, *_) in zip([*bombs] * 3, hostile_ones, strict=True) if "too large" not in answer
    ]
    assert not_refused == []
    assert answers[-1][2] - answers[len(warm) - 1][2] < 250 * MEBIBYTE
    assert decode(answers[-1][0][0]).shape == (HEIGHT, WIDTH, 3)
