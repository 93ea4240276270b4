"""What a user has to know about an exported model, for programs (JSON) and for people (Markdown)."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_deid.config import Config, load_config, shown_place
from keras_deid.serving.run_evaluation import metrics_of, read_evaluation

INTENDED_USE = (
    "Research on de-identification: measuring how much a mosaic, blur or mask gives away.",
    "Making pictures that were de-identified on purpose look natural again, with an invented face.",
)
FORBIDDEN_USE = (
    "Finding out who a person is. What is restored is invented from averages: it is not the person's face, and no "
    "evidence of anything.",
    "Undoing a de-identification against the will of the people in the picture.",
    "Passing restored pictures off as photographs: mark them as synthetic.",
)


_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~!&$]|^[-+=]|(?<=\d)[.)](?=\s)")
"""What has, or may have, a meaning of its own in Markdown."""


def write_model_card(folder: Path, run: Path, name: str, locator: Path | None = None) -> None:
    """Writes `model_card.json` and `model_card.md` into a SavedModel's folder.

    Args:
        folder: of the SavedModel.
        run: the run that the model comes from.
        name: of the model on a server.
        locator: the run that its locator comes from, if it has one.
    """
    card = model_card(folder, run, name, locator)
    (folder / "model_card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    (folder / "model_card.md").write_text("\n".join(_lines(card)) + "\n", encoding="utf-8")


def model_card(folder: Path, run: Path, name: str, locator: Path | None = None) -> dict[str, Any]:
    """Collects the card from the run and the SavedModel; the same of both give the same card."""
    config = load_config(run / "config.yaml")
    height, width = config.data.image_size
    evaluation = read_evaluation(run)
    boxes = "boxes: float32 [N, K, 4], x0, y0, x1, y1 in pixels, a row of zeros is ignored"
    return {
        "name": name,
        "description": config.description,
        "trained_on": {
            "data": {"source": config.data.source, "path": config.data.path and shown_place(config.data.path)},
            "fingerprint": evaluation.get("data", {}).get("fingerprint"),
            "deidentify": config.deidentify.model_dump(mode="json"),
            "context": training_context(config),
        },
        "metrics": metrics_of(evaluation),
        "input": {
            "size": [height, width],
            "serving_default": f"image: float32 [N, {height}, {width}, 3], RGB in [0, 1] -> restored, the same",
            "serve_uint8": f"image: uint8 [N, {height}, {width}, 3], RGB -> restored, the same",
            "serve_bytes": "image_bytes: N files, PNG, JPEG, GIF, BMP or WebP of any size -> restored_bytes, PNG",
            "serve_uint8_boxes": f"image: uint8 [N, any height, any width, 3], RGB; {boxes} -> restored, as image",
            "serve_bytes_boxes": f"image_bytes: as serve_bytes; {boxes} -> restored_bytes, PNG",
            "describe": "row: int32 [N], of any value -> description, JSON with context and adds_detail",
            **({} if locator is None else _LOCATING),
        },
        "locator": None if locator is None else {"sha256": _hash_of_file(locator / "locator.keras")},
        "weights": "moving average over training" if config.training.ema else "as trained",
        "precision": "float32",
        "generator": config.generator.model_dump(mode="json"),
        "sha256": hash_of_files(folder),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("keras_deid", "tensorflow", "keras")},
        },
        "intended_use": list(INTENDED_USE),
        "forbidden_use": list(FORBIDDEN_USE),
    }


_LOCATING = {
    "locate": "image: uint8 [N, any height, any width, 3], RGB -> hidden: float32 [N, height / 4, width / 4], rounded "
    "up, the probability of being hidden",
    "locate_bytes": "image_bytes: as serve_bytes -> hidden_bytes, the same as a grey PNG of 16 bits",
}


def training_context(config: Config) -> float | None:
    """Returns how much wider than the face the pictures were that a network saw; None if they were no crops."""
    if config.deidentify.method == "catalogue":
        return config.data.crop_context
    sees_crops = config.data.source == "prepared" and config.data.prepare.region == "face"
    return config.data.prepare.context if sees_crops else None


def adds_detail(config: Config) -> bool:
    """Returns whether a network has learned to add detail to a restored face that was enlarged."""
    return config.deidentify.method == "catalogue"


def hash_of_files(folder: Path) -> str:
    """Stands for the graph and the weights: SHA-256 over the names and bytes of their files."""
    digest = hashlib.sha256()
    for path in (folder / "saved_model.pb", *sorted((folder / "variables").glob("*"))):
        digest.update(path.name.encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _hash_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _plain(text: object) -> str:
    """Returns a text as one line of Markdown that shows it as it is."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(str(text).split()))


def _lines(card: dict[str, Any]) -> Iterator[str]:
    yield f"# {_plain(card['name'])}"
    yield ""
    if card["description"]:
        yield f"{_plain(card['description'])}\n"
    yield "Restores de-identified faces. What it shows is invented, not recovered.\n"
    height, width = card["input"]["size"]
    yield "## Input\n"
    yield f"Pictures of {height} x {width} pixels (height x width).\n"
    for signature, meaning in card["input"].items():
        if signature != "size":
            yield f"- `{signature}`: {meaning}"
    yield "\n## Trained on\n"
    trained = card["trained_on"]
    yield f"- data: {_plain(trained['data']['source'])} {_plain(trained['data']['path'] or '')}".rstrip()
    if trained["fingerprint"]:
        yield f"- fingerprint of the data: {trained['fingerprint']}"
    yield f"- de-identified by: {_plain(', '.join(f'{key} {value}' for key, value in trained['deidentify'].items()))}"
    if trained["context"]:
        yield f"- each picture is {trained['context']:g} times as wide as the hidden region in it"
    yield "\n## Metrics\n"
    yield from _metric_table(card["metrics"])
    yield "\n## Intended use\n"
    yield from (f"- {line}" for line in card["intended_use"])
    yield "\n## Forbidden use\n"
    yield from (f"- {line}" for line in card["forbidden_use"])
    yield "\n## Origin\n"
    yield f"- weights: {card['weights']}, {card['precision']}"
    yield f"- versions: {', '.join(f'{package} {number}' for package, number in card['versions'].items())}"
    yield f"- SHA-256 of graph and weights: `{card['sha256']}`"
    if card["locator"]:
        yield f"- SHA-256 of the locator: `{card['locator']['sha256']}`"


def _metric_table(metrics: dict[str, Any]) -> Iterator[str]:
    if "restored" not in metrics:
        yield "The run was not evaluated."
        return
    rows = {**metrics.get("baselines", {}), "restored": metrics["restored"]}
    names = list(metrics["restored"])
    yield f"Means over {metrics.get('images')} pictures of the {metrics.get('split')} split.\n"
    yield f"| | {' | '.join(names)} |"
    yield f"|---{'|---' * len(names)}|"
    for source, means in rows.items():
        cells = (means.get(name) for name in names)
        yield f"| {source} | {' | '.join('-' if value is None else f'{value:.4g}' for value in cells)} |"
