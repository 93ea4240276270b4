"""Runs a pipeline with the runner and the options that the user names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.runners.runner import PipelineState

from keras_deid.beam.counters import read_counters
from keras_deid.errors import UserError

_FN_API = "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"
# Beam's direct runner would first download a program, and fall back to this one.
_WITHOUT_DOWNLOAD = {"directrunner": _FN_API, "direct": _FN_API, "fnapirunner": _FN_API}


def pipeline_options(runner: str, options: Sequence[str]) -> PipelineOptions:
    """Reads the options, and makes the file systems that they describe known to this process.

    Args:
        runner: name of a runner, as Beam knows it.
        options: Beam's own, as on a command line; it warns about those that it does not know.
    """
    read = PipelineOptions(["--runner", _WITHOUT_DOWNLOAD.get(runner.lower(), runner), *options])
    FileSystems.set_options(read)
    return read


def works_here(runner: str, options: Sequence[str]) -> bool:
    """Whether photographs are worked on in this process, and not by workers: only then it needs TensorFlow.

    Args:
        runner: as for `pipeline_options`.
        options: likewise.
    """
    mode = PipelineOptions(list(options)).view_as(DirectOptions).direct_running_mode
    return runner.lower() in _WITHOUT_DOWNLOAD and mode != "multi_processing"


def run(build: Callable[[beam.Pipeline], object], options: PipelineOptions) -> dict[str, int]:
    """Builds a pipeline, runs it and waits for its end.

    Args:
        build: adds the steps.
        options: from `pipeline_options`.

    Returns:
        the counters of this package.

    Raises:
        UserError: if the runner does not exist, or ends without having done all.
    """
    try:
        pipeline = beam.Pipeline(options=options)
    except (ValueError, ImportError) as error:
        raise UserError(f"--runner: {str(error).splitlines()[0]}") from error
    build(pipeline)
    result = pipeline.run()
    state = result.wait_until_finish()
    if state != PipelineState.DONE:
        raise UserError(f"the pipeline ended in state {state}; its runner's log says why; run the same command again")
    return read_counters(result)
