"""Which split a photograph belongs to, decided by its name alone."""

import hashlib
import unicodedata

SPLITS = ("train", "val", "test")


def split_of(path_key: str, val_fraction: float, test_fraction: float) -> str:
    """Puts a photograph into train, validation or test by a hash of its key.

    The hash is read as a number `u` in [0, 1): `u < test_fraction` is test, the next `val_fraction` is validation, the
    rest is train. So a photograph never moves when others are added, and a new `val_fraction` leaves the test split as
    it was.

    Args:
        path_key: what names the photograph, see `path_key`.
        val_fraction: fraction of the photographs for validation, in [0, 1).
        test_fraction: fraction of the photographs for testing, in [0, 1).

    Returns:
        `"train"`, `"val"` or `"test"`.

    Raises:
        ValueError: if a fraction is negative, or both together leave nothing to train on.
    """
    if not (val_fraction >= 0 and test_fraction >= 0 and val_fraction + test_fraction < 1):
        raise ValueError(
            "Expected val_fraction and test_fraction of at least 0 and together below 1. "
            f"Received: val_fraction={val_fraction}, test_fraction={test_fraction}"
        )
    digest = hashlib.blake2b(path_key.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    position = int.from_bytes(digest, "big") / 2**64
    if position < test_fraction:
        return "test"
    if position < test_fraction + val_fraction:
        return "val"
    return "train"


def path_key(relative_path: str) -> str:
    """Names a photograph by its path inside the folder of photographs, without the suffix.

    Two files that differ in the suffix alone (`a.jpg`, `a.png`) are taken for the same picture and share a split;
    separators and composed letters are written one way, so that the split is the same on every file system.

    Args:
        relative_path: path of the photograph relative to the folder that is prepared.

    Returns:
        The path with `/` between folders, in Unicode form NFC, without the suffix.
    """
    folder, slash, name = unicodedata.normalize("NFC", relative_path).replace("\\", "/").rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return folder + slash + (stem if dot and stem else name)
