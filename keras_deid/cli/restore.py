"""`keras-deid restore`: restores a picture, a video, or a folder of them."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_deid.cli.arguments import PATH, RunFolder, only_one, precision_option, runtime_option
from keras_deid.cli.command import Command
from keras_deid.cli.progress import Bar
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.errors import UserError
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN, find_run

if TYPE_CHECKING:
    from keras_deid.restoring.model import PictureModel
    from keras_deid.restoring.region_sources import RegionSource
    from keras_deid.restoring.runtime import Runtime

EXIT_SOME_BROKEN = 1
EXIT_TERMINATED = 143  # 128 + SIGTERM, as shells count
BAR_DELAY = 1.0  # seconds before a bar appears


@click.command("restore", cls=Command)
@click.argument("source", metavar="INPUT", type=PATH)
@click.argument("out", metavar="[OUTPUT]", type=PATH, required=False)
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
    type=PATH,
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
def main(
    source: Path,
    out: Path | None,
    run: Path | None,
    model: Path | None,
    url: str | None,
    grpc: str | None,
    locator: Path | None,
    threshold: float | None,
    boxes: Path | None,
    whole: bool,
    strip_metadata: bool,
    find: Path | None,
    overlays: Path | None,
    overwrite: bool,
    runtime: str,
    precision: str,
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
    if not source.exists():
        raise UserError(f"{source}: does not exist; give a picture, a video, or a folder of them")
    with _terminable():
        chosen = _choose_runtime(runtime, precision)
        if find is not None:
            return _find(source, find, overlays, _located(None, locator, threshold, chosen), overwrite)
        assert out is not None
        opened = _open_model(run, model, url, grpc, chosen)
        if whole:
            regions = None
        else:
            regions = _listed(boxes) if boxes is not None else _located(opened, locator, threshold, chosen)
        restore = _restore_folder if source.is_dir() else _restore_file
        code = restore(source, out, opened, regions, not strip_metadata, overwrite)
        complaints = [] if regions is None else regions.complaints
        for complaint in complaints:
            print(f"skipped: {complaint}", file=sys.stderr)
        return EXIT_SOME_BROKEN if complaints else code


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


def _choose_runtime(name: str, precision: str) -> "Runtime":
    from keras_deid.restoring.runtime import choose_runtime

    return choose_runtime(name, precision, start_tensorflow)


def _open_model(
    run: Path | None, model: Path | None, url: str | None, grpc: str | None, runtime: "Runtime"
) -> "PictureModel":
    if url is not None:
        from keras_deid.serving.client import RestModel

        return RestModel(url)
    if grpc is not None:
        start_tensorflow()
        from keras_deid.serving.grpc_client import GrpcModel

        return GrpcModel(grpc)
    if model is not None:
        start_tensorflow()
        from keras_deid.restoring.model import LocalModel

        return LocalModel(model)
    from keras_deid.restoring.run_model import RunModel

    return RunModel(run or find_run(DEFAULT_RUN), runtime)


def _listed(boxes: Path) -> "RegionSource":
    from keras_deid.restoring.region_sources import Listed

    return Listed(boxes)


def _located(
    model: "PictureModel | None", locator: Path | None, threshold: float | None, runtime: "Runtime"
) -> "RegionSource":
    """Finds regions with the given locator, else with the exported model's, else with the shipped one."""
    from keras_deid.restoring.locate import THRESHOLD
    from keras_deid.restoring.region_sources import Located

    if locator is None and model is not None and model.mark is not None:
        return Located(model.mark, model.identity, threshold or THRESHOLD)
    from keras_deid.restoring.run_locator import RunLocator

    opened = RunLocator(locator or find_run(LOCATOR_RUN), runtime)
    return Located(opened.mark, opened.identity, threshold or THRESHOLD)


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
