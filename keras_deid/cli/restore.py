"""`keras-deid restore`: restores a picture, a video, or a folder of them."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_deid.cli.arguments import PATH, RunFolder, only_one, precision_option, runtime_option
from keras_deid.cli.beam_options import PLACE, beam_argument, check_runner, local_path, needing_beam, runner_option
from keras_deid.cli.command import Command
from keras_deid.cli.progress import Bar
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.errors import UserError
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN, name_of_run

if TYPE_CHECKING:
    from keras_deid.restoring.model import PictureModel
    from keras_deid.restoring.region_sources import RegionSource

EXIT_SOME_BROKEN = 1
EXIT_TERMINATED = 143  # 128 + SIGTERM, as shells count
BAR_DELAY = 1.0  # seconds before a bar appears


@click.command("restore", cls=Command)
@click.argument("source", metavar="INPUT", type=PLACE)
@click.argument("out", metavar="[OUTPUT]", type=PLACE, required=False)
@beam_argument
@click.option(
    "--run",
    metavar="RUN",
    type=RunFolder(),
    help=f"Trained run that restores: its folder, or the name of a shipped one.  [default: {DEFAULT_RUN}]",
)
@click.option(
    "--model", metavar="FOLDER", type=PATH, help="Exported model that restores, as keras-deid export writes it."
)
@click.option("--url", metavar="URL", help="Model on a server that restores: http://HOST:8501/v1/models/NAME.")
@click.option("--grpc", metavar="HOST:8500/NAME", help="The same as --url, over gRPC.")
@click.option(
    "--locator",
    metavar="RUN",
    type=RunFolder(),
    help=f"Trained locator: its folder, or the name of a shipped one.  [default: {LOCATOR_RUN}]",
)
@click.option(
    "--threshold",
    metavar="X",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Least score of a region, between 0 and 1; a lower one finds more.  [default: 0.8]",
)
@click.option(
    "--boxes",
    metavar="CSV",
    type=PLACE,
    help="Restore the regions in this file instead of finding them (path,x0,y0,x1,y1 in pixels; videos may have frame, "
    "from 0).",
)
@click.option("--whole", is_flag=True, help="Give the model the whole picture, as the paper does.")
@click.option(
    "--strip-metadata",
    is_flag=True,
    help="Leave out what the files say of people, places and times: EXIF, GPS, XMP, IPTC, comments, titles.",
)
@click.option(
    "--find", metavar="CSV", type=PATH, help="Only find the regions, and write them to this file for --boxes."
)
@click.option(
    "--overlays", metavar="FOLDER", type=PATH, help="With --find: write pictures with the regions drawn over them."
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace files that are there already and were not restored by the same command.",
)
@runtime_option
@precision_option
@runner_option
def main(
    source: str,
    out: str | None,
    run: Path | None,
    model: Path | None,
    url: str | None,
    grpc: str | None,
    locator: Path | None,
    threshold: float | None,
    boxes: str | None,
    whole: bool,
    strip_metadata: bool,
    find: Path | None,
    overlays: Path | None,
    overwrite: bool,
    runtime: str,
    precision: str,
    runner: str | None,
    beam_options: tuple[str, ...],
) -> int:
    """Restore INPUT, a picture, a video, or a folder of them, and write OUTPUT.

    Hidden regions are found, restored and put back; every other pixel stays as it is. A picture in which nothing is
    found is copied byte for byte. Restored faces are invented: they are not the faces that were there.

    Outputs keep the formats and, in a folder, the paths of their inputs. Their metadata marks them as synthetic, and
    OUTPUT/manifest.json lists them. Nothing else is replaced without --overwrite. After an interruption, the same
    command continues. The exit code is 1 if some files
    could not be read.
    """
    only_one({"--run": run, "--model": model, "--url": url, "--grpc": grpc})
    how = only_one({"--boxes": boxes, "--whole": whole, "--find": find})
    if how in ("--boxes", "--whole") and (locator or threshold):
        raise click.UsageError(f"--locator and --threshold cannot be given with {how}: nothing is looked for")
    if (out is None) != (find is not None):
        raise click.UsageError("Missing OUTPUT." if out is None else "--find writes no OUTPUT; leave one of them out")
    if overlays is not None and find is None:
        raise click.UsageError("--overlays needs --find")
    check_runner(runner, beam_options, {"--find": find})
    from keras_deid.restoring.choice import Choice

    # Workers may have another current folder, and the package in another place.
    named = str if runner is None else name_of_run
    choice = Choice(
        run=None if run is None else named(run),
        model=None if model is None else str(model if runner is None else model.absolute()),
        url=url,
        grpc=grpc,
        locator=None if locator is None else named(locator),
        threshold=threshold,
        runtime=runtime,
        precision=precision,
    )
    keep_words = not strip_metadata
    if runner is not None:
        assert out is not None
        with needing_beam():
            from keras_deid.beam.restore import restore_on_beam
            from keras_deid.beam.running import works_here
        if works_here(runner, beam_options):
            start_tensorflow()
        with Bar("shards", delay=BAR_DELAY) as progress:
            done = restore_on_beam(
                source,
                out,
                choice,
                boxes=boxes,
                whole=whole,
                keep_words=keep_words,
                overwrite=overwrite,
                runner=runner,
                options=beam_options,
                progress=progress,
            )
        copied = f", {done.copied} copied (nothing found)" if done.copied else ""
        print(f"restored: {done.restored} files{copied}, {done.skipped} skipped; see {out}")
        return max(_say(done.complaints), EXIT_SOME_BROKEN if done.skipped else 0)
    local = local_path(source)
    if not local.exists():
        raise UserError(f"{source}: does not exist; give a picture, a video, or a folder of them")
    with _terminable():
        chosen = choice.open_runtime(start_tensorflow)
        if find is not None:
            return _find(local, find, overlays, choice.open_locator(None, chosen), overwrite)
        assert out is not None
        opened = choice.open_model(chosen)
        if whole:
            regions = None
        else:
            regions = _listed(local_path(boxes)) if boxes is not None else choice.open_locator(opened, chosen)
        restore = _restore_folder if local.is_dir() else _restore_file
        code = restore(local, local_path(out), opened, regions, keep_words, overwrite)
        return max(code, 0 if regions is None else _say(regions.complaints))


def _say(complaints: list[str]) -> int:
    """Prints what could not be done; returns the exit code."""
    for complaint in complaints:
        print(f"skipped: {complaint}", file=sys.stderr)
    return EXIT_SOME_BROKEN if complaints else 0


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM end the command as Ctrl-C does: half-written files are removed."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(EXIT_TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _listed(boxes: Path) -> "RegionSource":
    from keras_deid.restoring.region_sources import Listed

    return Listed(boxes)


def _find(source: Path, csv_file: Path, overlays: Path | None, regions: "RegionSource", overwrite: bool) -> int:
    from keras_deid.restoring.finding import find_in

    with Bar("pictures", delay=BAR_DELAY) as progress:
        pictures, found, broken = find_in(source, regions, csv_file, overlays, progress, overwrite=overwrite)
    for error in broken:
        print(f"skipped: {error}", file=sys.stderr)
    print(f"regions found: {found}, pictures: {pictures}; written: {csv_file}")
    return EXIT_SOME_BROKEN if broken else 0


def _restore_file(
    source: Path, out: Path, model: "PictureModel", regions: "RegionSource | None", keep_words: bool, overwrite: bool
) -> int:
    from keras_deid.restoring.restore import restore_file

    target = out / source.name if out.is_dir() else out
    with Bar("pictures", delay=BAR_DELAY) as progress:
        restored = restore_file(
            source, target, model, regions, keep_words=keep_words, overwrite=overwrite, progress=progress
        )
    if restored == 0:
        print(f"nothing found: {target} is a copy of {source}")
    else:
        print(f"written: {target}" + ("" if restored is None else f", regions restored: {restored}"))
    return 0


def _restore_folder(
    source: Path, out: Path, model: "PictureModel", regions: "RegionSource | None", keep_words: bool, overwrite: bool
) -> int:
    from keras_deid.data.left_out import SKIPPED, summary_of
    from keras_deid.restoring.restore import restore_folder

    with Bar("files", delay=BAR_DELAY) as progress, Bar("pictures", delay=BAR_DELAY) as of_video:
        report = restore_folder(
            source,
            out,
            model,
            regions,
            keep_words=keep_words,
            overwrite=overwrite,
            progress=progress,
            video_progress=of_video,
        )
    for error in report.broken:
        print(f"skipped: {error}", file=sys.stderr)
    if report.left_out:
        print(f"left out: {summary_of(report.left_out)}; see {out / SKIPPED}", file=sys.stderr)
    before = f", {report.kept} were there already" if report.kept else ""
    copied = f", {report.copied} copied (nothing found)" if report.copied else ""
    print(f"restored: {report.restored} files{copied}{before}, {len(report.broken)} skipped; see {out}")
    return EXIT_SOME_BROKEN if report.broken else 0
