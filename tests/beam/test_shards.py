import re

import pytest

pytest.importorskip("apache_beam", reason="needs the extra beam")

from keras_deid.beam.prepare_shard import shares
from keras_deid.beam.shards import SHARD_NAME, Shard, shard_count, shard_of
from keras_deid.data.split import split_of


@pytest.mark.parametrize(
    ("files", "shards"), [(0, 1), (1, 1), (3, 1), (4, 2), (20, 4), (10_000, 100), (10_000_000, 3162)]
)
def test_about_as_many_shards_as_files_in_each(files, shards):
    assert shard_count(files) == shards


def test_a_hash_of_the_name_says_the_shard():
    assert [shard_of(f"{number}", 4).number for number in range(8)] == [
        shard_of(f"{number}", 4).number for number in range(8)
    ]
    counts = [0] * 10
    for number in range(5000):
        counts[shard_of(f"street/{number}", 10).number] += 1
    assert min(counts) > 400 and max(counts) < 600  # 500 each, standard deviation 21


def test_every_shard_has_all_splits():
    """The hash of the split draws from the same names."""
    names = [f"{number}" for number in range(4000)]
    tested = [name for name in names if split_of(name, 0.1, 0.1) == "test"]
    assert {shard_of(name, 10).number for name in tested} == set(range(10))


def test_names_of_shards():
    assert str(Shard(3, 16)) == "00003-of-00016"
    assert re.fullmatch(SHARD_NAME, str(Shard(123_456, 200_000))).groups() == ("123456", "200000")


@pytest.mark.parametrize(("total", "parts"), [(24, 1), (24, 5), (24, 24), (2, 5), (16, 3162)])
def test_shares(total, parts):
    given = shares(total, parts)
    assert sum(given) == total and len(given) == parts and max(given) - min(given) <= 1
