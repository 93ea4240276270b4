"""A disk that is full: files cannot grow beyond a number of bytes."""

import contextlib
import resource


@contextlib.contextmanager
def full_disk(size):
    """What is written beyond `size` bytes of a file fails, the write at the border in part, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
