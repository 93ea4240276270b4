"""What the restorer and the locator lose and gain in 8-bit integers on OpenVINO.

    pip install -c constraints.txt -e '.[fast]' nncf==3.4.0
    python -m benchmarks.int8 PHOTOS

NNCF quantizes both networks after training. It is calibrated on what they see of photographs of the train split, whose
faces are hidden as tools hide them. On hidden faces of the test split these are measured: PSNR of the restorer in the
hidden pixels, with the true regions; hidden regions that the locator finds, and others that it takes for hidden; and
processor time. See docs/speed.md.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.heard import Heard
from keras_deid.cli.ending import exit_codes
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.evaluation.faces_found import evaluation_detector
from keras_deid.evaluation.image_quality import psnr
from keras_deid.field.matching import match_regions
from keras_deid.field.photographs import DetectedFaces, find_photographs, read_photograph, select
from keras_deid.hiding.kinds import KINDS, Hidden
from keras_deid.restoring.crop_batches import BATCH_SIZE
from keras_deid.restoring.found import given_region
from keras_deid.restoring.graphs import locating_graph, restoring_graph
from keras_deid.restoring.locate import find_regions
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.openvino_network import OpenVinoNetwork, compile_for, convert, has_bfloat16
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.run_locator import RunLocator
from keras_deid.restoring.run_model import RunModel
from keras_deid.restoring.runtime import choose_runtime
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN, find_run

_TURNS = 3
"""Of which the one with the least processor time counts."""


class OtherNetwork:
    """A restorer with another network in place of its own; a `keras_deid.restoring.model.PictureModel`."""

    def __init__(self, model: PictureModel, restore: Callable[[np.ndarray], np.ndarray]) -> None:
        self.name, self.identity, self.size, self.context = model.name, model.identity, model.size, model.context
        self.adds_detail, self.mark = model.adds_detail, model.mark
        self._restore = restore

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores uint8 `(batch, *size, 3)`."""
        return self._restore(pictures)


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints two tables."""
    options = _parser().parse_args(argv)
    start_tensorflow()
    exact = choose_runtime("openvino", "float32", start_tensorflow)
    model, locator = RunModel(options.run, exact), RunLocator(options.locator, exact)
    shown = Heard(model, locator.mark)
    calibration = _hidden(options.photos, "train", options.calibration)
    for hidden in calibration:
        restore_regions(shown, [hidden.picture], [find_regions(shown.look, hidden.picture)])
    crops = np.concatenate(shown.crops)
    tested = _hidden(options.photos, "test", options.limit)
    print(
        f"{len(tested)} photographs, {sum(len(hidden.regions) for hidden in tested)} hidden faces; calibrated on "
        f"{len(crops)} crops and {len(shown.pictures)} pictures",
        flush=True,
    )
    _restorers(options.run, model, crops, tested)
    _locators(options.locator, shown.pictures, len(calibration), tested)
    return 0


def _restorers(run: str, model: PictureModel, crops: np.ndarray, tested: Sequence[Hidden]) -> None:
    print("\n| restorer | PSNR in the region, dB | difference | ms of processor time a crop |\n|---|---|---|---|")
    exact = None
    timed = crops[:BATCH_SIZE]
    for name, network in _forms(restoring_graph(find_run(run)), [crop[None] for crop in crops]):
        level = _psnr(OtherNetwork(model, network), tested)
        exact = level if exact is None else exact
        cost = _seconds(partial(network, timed)) / len(timed)
        print(f"| {name} | {level:.3f} | {level - exact:+.3f} | {cost * 1e3:.2f} |", flush=True)


def _locators(run: str, pictures: Sequence[np.ndarray], photographs: int, tested: Sequence[Hidden]) -> None:
    print("\n| locator | hidden faces found | others | ms of processor time a photograph |\n|---|---|---|---|")
    looks = [picture[None] for picture in pictures]
    for name, network in _forms(locating_graph(find_run(run)), looks):
        found, others = _found(network, tested)
        cost = _seconds(lambda: list(map(network, looks))) / photographs  # noqa: B023
        print(f"| {name} | {found} | {others} | {cost * 1e3:.1f} |", flush=True)


def _hidden(photos: Path, split: str, limit: int) -> list[Hidden]:
    """Returns photographs of a split with their faces hidden, each in the next of `KINDS`."""
    faces_of = DetectedFaces(evaluation_detector())
    kinds = list(KINDS.values())
    hidden: list[Hidden] = []
    for name, path in select(find_photographs(photos), split).items():
        if len(hidden) == limit:
            break
        photograph = read_photograph(path)
        if faces := faces_of.faces(name, photograph):
            hidden.append(kinds[len(hidden) % len(kinds)].hide(photograph, faces))
    return hidden


def _forms(function: Any, examples: Sequence[np.ndarray]) -> Iterator[tuple[str, OpenVinoNetwork]]:
    """Yields a network in each arithmetic, with its name for tables; the first is exact.

    Args:
        function: from `keras_deid.restoring.graphs`.
        examples: inputs, to calibrate on.
    """
    os.environ["NNCF_CI"] = "1"  # else its import, and its use, are reported to Google Analytics
    import nncf

    rest = "bfloat16" if has_bfloat16() else "float32"
    for precision in dict.fromkeys(("float32", rest)):
        yield precision, OpenVinoNetwork(compile_for(convert(function), precision))
    for name, spared in (("int8", False), ("int8 but the first and last convolution", True)):
        model = convert(function)  # whose nodes are named anew each time
        quantized = nncf.quantize(
            model,
            nncf.Dataset(examples),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(examples),
            ignored_scope=nncf.IgnoredScope(names=_ends(model)) if spared else None,
        )
        yield f"{name}, the rest {rest}", OpenVinoNetwork(compile_for(quantized, rest))


def _ends(model: Any) -> list[str]:
    """Returns the names of the first and the last convolution of an OpenVINO model."""
    names = [node.get_friendly_name() for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    return [names[0], names[-1]]


def _psnr(model: PictureModel, tested: Sequence[Hidden]) -> float:
    """Returns the mean over the photographs of what their hidden pixels have after restoring."""
    values = []
    for hidden in tested:
        regions = [given_region(region, hidden.picture.shape[:2]) for region in hidden.regions]
        (restored,) = restore_regions(model, [hidden.picture], [regions])
        values.append(psnr(hidden.original, restored, hidden.mask > 0.5))
    return float(np.mean(values))


def _found(network: OpenVinoNetwork, tested: Sequence[Hidden]) -> tuple[int, int]:
    """Returns how many hidden faces are found, and how many other regions."""
    matched = others = 0
    for hidden in tested:
        regions = find_regions(lambda picture: network(picture[None])[0], hidden.picture)
        hits = sum(match is not None for match in match_regions(hidden.regions, [region.box for region in regions]))
        matched, others = matched + hits, others + len(regions) - hits
    return matched, others


def _seconds(work: Callable[[], object]) -> float:
    """Returns the least processor seconds, of all cores together, that something takes."""
    work()
    taken = []
    for _ in range(_TURNS):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return min(taken)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.int8",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", metavar="PHOTOS", type=Path, help="folder of untouched photographs of people")
    parser.add_argument("--limit", metavar="N", type=int, default=120, help="tested photographs (default: 120)")
    parser.add_argument("--calibration", metavar="N", type=int, default=60, help="of them to calibrate (default: 60)")
    parser.add_argument("--run", default=DEFAULT_RUN, help="restorer (default: %(default)s)")
    parser.add_argument("--locator", default=LOCATOR_RUN, help="locator (default: %(default)s)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
