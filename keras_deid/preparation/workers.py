"""Worker processes that turn photographs into chunks."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

import cv2

from keras_deid.config import PrepareConfig
from keras_deid.errors import UserError
from keras_deid.preparation.chunks import ChunkMaker
from keras_deid.preparation.photographs import Photograph
from keras_deid.progress import Progress

log = logging.getLogger(__name__)

PHOTOS_PER_CHUNK = 8
"""An interruption loses at most this much work of each worker."""


def make_chunks(
    settings: PrepareConfig,
    photographs: list[Photograph],
    partial: Path,
    workers: int,
    progress: Progress,
) -> None:
    """Makes the chunks that are missing.

    Args:
        settings: of the preparation.
        photographs: all photographs.
        partial: folder for the chunks.
        workers: greatest number of processes; with 1, this process does the work.
        progress: counts the photographs.

    Raises:
        UserError: if a worker process is killed.
    """
    chunks = {
        partial / f"chunk-{start // PHOTOS_PER_CHUNK:08d}.json": photographs[start : start + PHOTOS_PER_CHUNK]
        for start in range(0, len(photographs), PHOTOS_PER_CHUNK)
    }
    missing = {path: chunk for path, chunk in chunks.items() if not path.is_file()}
    done = len(photographs) - sum(map(len, missing.values()))
    if done:
        log.info("continuing: %d of %d photographs were done before", done, len(photographs))
    progress(done, len(photographs), "preparing")
    if not missing:
        return
    detects = any(photograph.boxes is None for photograph in photographs)
    workers = min(workers, len(missing))
    made = (
        _made_by_processes(settings, detects, missing, workers)
        if workers > 1
        else _made_here(settings, detects, missing)
    )
    with contextlib.closing(made):  # ends the workers before another process may use the folder
        for photos in made:
            done += photos
            progress(done, len(photographs), "preparing")


def _made_here(settings: PrepareConfig, detects: bool, chunks: dict[Path, list[Photograph]]) -> Generator[int]:
    maker = ChunkMaker(settings, detects)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # as in the workers: what comes out must not depend on their number
    try:
        for path, photographs in chunks.items():
            yield maker.make(photographs, path)
    finally:
        cv2.setNumThreads(threads)


def _made_by_processes(
    settings: PrepareConfig, detects: bool, chunks: dict[Path, list[Photograph]], workers: int
) -> Generator[int]:
    fresh = multiprocessing.get_context("spawn")  # a fork of a process that has run TensorFlow may hang
    pool = ProcessPoolExecutor(workers, fresh, _start_worker, (settings, detects))
    others = set(multiprocessing.active_children())
    finished = False
    with _one_interrupt():  # a second Ctrl-C would leave the workers, for which Python then waits at its end
        try:
            with _without_interrupts():  # a worker that is starting would answer Ctrl-C with a traceback
                futures = [pool.submit(_make_in_worker, photographs, path) for path, photographs in chunks.items()]
            for future in as_completed(futures):
                yield future.result()
            finished = True
        except BrokenProcessPool as error:
            raise UserError(
                "a worker process ended unexpectedly, perhaps for lack of memory; "
                "run the same command again with fewer --workers, it continues"
            ) from error
        finally:
            if not finished:  # chunks are whole or not there
                for worker in set(multiprocessing.active_children()) - others:
                    worker.kill()
            pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Delays Ctrl-C for this thread and blocks it, permanently, for processes that are started meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _one_interrupt() -> Iterator[None]:
    """Lets Ctrl-C interrupt once; further ones are ignored until the end. Only the main thread gets it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        before(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_maker: ChunkMaker | None = None  # of a worker process: the detector is loaded once


def _start_worker(settings: PrepareConfig, detects: bool) -> None:
    global _maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends its workers
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    cv2.setNumThreads(1)
    _maker = ChunkMaker(settings, detects)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _make_in_worker(photographs: list[Photograph], path: Path) -> int:
    assert _maker is not None, "the worker was not started by _start_worker"
    return _maker.make(photographs, path)


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
