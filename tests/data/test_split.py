from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.data.split import path_key, split_of

# What `printf KEY | b2sum -l 64` says. It must never change, or prepared sets would trade photographs between splits.
HASHES = {
    "a": 0x40F89E395B66422F,  # 0.2538 of 2**64
    "b": 0x8472C2E34D854F75,  # 0.5174
    "street/0001": 0xFF5DC573E21FDD41,  # 0.9975
    "été": 0xBC5121B7615020D8,  # 0.7356
}


@pytest.mark.parametrize(("key", "value"), HASHES.items())
def test_the_hash_decides(key, value):
    position = value / 2**64
    assert split_of(key, 0.0, position - 1e-4) == "train"
    assert split_of(key, 0.0, position + 1e-4) == "test"
    assert split_of(key, position - 1e-4, 0.0) == "train"
    assert split_of(key, position + 1e-4, 0.0) == "val"


def test_val_follows_after_test():
    assert split_of("a", val_fraction=0.2, test_fraction=0.2) == "val"
    assert split_of("a", val_fraction=0.05, test_fraction=0.2) == "train"
    assert split_of("a", val_fraction=0.2, test_fraction=0.3) == "test"


def test_shares_are_met():
    counts = Counter(split_of(f"{number:06d}", 0.1, 0.2) for number in range(10_000))
    assert counts["val"] == pytest.approx(1000, abs=120)
    assert counts["test"] == pytest.approx(2000, abs=160)


@given(st.text(), st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 0.6))
def test_a_new_val_share_leaves_the_test_split_alone(key, val_fraction, other_val_fraction, test_fraction):
    first, second = (split_of(key, fraction, test_fraction) for fraction in (val_fraction, other_val_fraction))
    assert (first == "test") == (second == "test")


def test_no_share_no_split():
    assert {split_of(str(number), 0, 0) for number in range(1000)} == {"train"}


@pytest.mark.parametrize(
    ("val_fraction", "test_fraction"), [(-0.1, 0.1), (0.1, -0.1), (0.5, 0.5), (1.0, 0.0), (float("nan"), 0)]
)
def test_shares_that_leave_nothing(val_fraction, test_fraction):
    with pytest.raises(ValueError, match="Received: val_fraction="):
        split_of("a", val_fraction, test_fraction)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("a.jpg", "a"),
        ("a.b.jpg", "a.b"),
        ("street/a.PNG", "street/a"),
        ("street\\a.png", "street/a"),
        ("v1.2/a", "v1.2/a"),
        (".hidden", ".hidden"),
        ("e\u0301te\u0301.jpg", "\u00e9t\u00e9"),
    ],
)
def test_path_key(path, key):
    assert path_key(path) == key
