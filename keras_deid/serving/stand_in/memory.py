"""Memory after large requests: it goes back to the system, where C's allocator would keep it for the next one."""

from __future__ import annotations

import ctypes

LARGE = 2**20
"""Bytes of a request, or of its answer, after which memory is given back."""

# glibc has it; other C libraries give memory back by themselves, or not at all.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Gives free memory back to the system; takes milliseconds."""
    if _trim is not None:
        _trim(0)
