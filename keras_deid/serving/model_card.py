"""What a user has to know about an exported model, for programs (JSON) and for people (Markdown)."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_deid.config import Config, load_config

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


def write_model_card(folder: Path, run: Path, name: str) -> None:
    """Writes `model_card.json` and `model_card.md` into a SavedModel's folder.

    Args:
        folder: of the SavedModel.
        run: the run that the model comes from.
        name: of the model on a server.
    """
    card = model_card(folder, run, name)
    (folder / "model_card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    (folder / "model_card.md").write_text("\n".join(_lines(card)) + "\n", encoding="utf-8")


def model_card(folder: Path, run: Path, name: str) -> dict[str, Any]:
    """Collects the card from the run and the SavedModel; the same of both give the same card."""
    config = load_config(run / "config.yaml")
    height, width = config.data.image_size
    evaluation = _read_json(run / "evaluation.json")
    if "inputs" in evaluation:  # its name before schema 2
        evaluation["baselines"] = evaluation.pop("inputs")
    boxes = "boxes: float32 [N, K, 4], x0, y0, x1, y1 in pixels, a row of zeros is none"
    return {
        "name": name,
        "description": config.description,
        "trained_on": {
            "data": config.data.model_dump(mode="json", include={"source", "path"}),
            "fingerprint": evaluation.get("data", {}).get("fingerprint"),
            "deidentify": config.deidentify.model_dump(mode="json"),
            "context": training_context(config),
        },
        "figures": {key: evaluation[key] for key in ("split", "images", "baselines", "restored") if key in evaluation},
        "input": {
            "size": [height, width],
            "serving_default": f"image: float32 [N, {height}, {width}, 3], RGB in [0, 1] -> restored, the same",
            "serve_uint8": f"image: uint8 [N, {height}, {width}, 3], RGB -> restored, the same",
            "serve_bytes": "image_bytes: N files, PNG, JPEG, GIF, BMP or WebP of any size -> restored_bytes, PNG",
            "serve_uint8_boxes": f"image: uint8 [N, any height, any width, 3], RGB; {boxes} -> restored, as image",
            "serve_bytes_boxes": f"image_bytes: as serve_bytes; {boxes} -> restored_bytes, PNG",
        },
        "weights": "moving average over training" if config.training.ema else "as trained",
        "precision": "float32",
        "generator": config.generator.model_dump(mode="json"),
        "sha256": _hash_of(folder),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("keras_deid", "tensorflow", "keras")},
        },
        "intended_use": list(INTENDED_USE),
        "forbidden_use": list(FORBIDDEN_USE),
    }


def training_context(config: Config) -> float | None:
    """Returns how much wider than the face the pictures were that a network saw; None if they were no crops."""
    sees_crops = config.data.source == "prepared" and config.data.prepare.region == "face"
    return config.data.prepare.context if sees_crops else None


def _hash_of(folder: Path) -> str:
    """Stands for the graph and the weights: SHA-256 over the names and bytes of their files."""
    digest = hashlib.sha256()
    for path in (folder / "saved_model.pb", *sorted((folder / "variables").iterdir())):
        digest.update(path.name.encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _lines(card: dict[str, Any]) -> Iterator[str]:
    yield f"# {card['name']}"
    yield ""
    if card["description"]:
        yield f"{card['description']}\n"
    yield "Restores de-identified faces. What it shows is invented, not recovered.\n"
    height, width = card["input"]["size"]
    yield "## Input\n"
    yield f"Pictures of {height} x {width} pixels (height x width).\n"
    for signature, meaning in card["input"].items():
        if signature != "size":
            yield f"- `{signature}`: {meaning}"
    yield "\n## Trained on\n"
    trained = card["trained_on"]
    yield f"- data: {trained['data']['source']} {trained['data']['path'] or ''}".rstrip()
    if trained["fingerprint"]:
        yield f"- fingerprint of the data: {trained['fingerprint']}"
    yield f"- de-identified by: {', '.join(f'{key} {value}' for key, value in trained['deidentify'].items())}"
    if trained["context"]:
        yield f"- each picture is {trained['context']:g} times as wide as the face in it"
    yield "\n## Figures\n"
    yield from _figures(card["figures"])
    yield "\n## Intended use\n"
    yield from (f"- {line}" for line in card["intended_use"])
    yield "\n## Forbidden use\n"
    yield from (f"- {line}" for line in card["forbidden_use"])
    yield "\n## Origin\n"
    yield f"- weights: {card['weights']}, {card['precision']}"
    yield f"- versions: {', '.join(f'{package} {number}' for package, number in card['versions'].items())}"
    yield f"- SHA-256 of graph and weights: `{card['sha256']}`"


def _figures(figures: dict[str, Any]) -> Iterator[str]:
    if "restored" not in figures:
        yield "The run was not evaluated."
        return
    rows = {**figures.get("baselines", {}), "restored": figures["restored"]}
    names = list(figures["restored"])
    yield f"Means over {figures.get('images')} pictures of the {figures.get('split')} split.\n"
    yield f"| | {' | '.join(names)} |"
    yield f"|---{'|---' * len(names)}|"
    for source, means in rows.items():
        cells = (means.get(name) for name in names)
        yield f"| {source} | {' | '.join('-' if value is None else f'{value:.4g}' for value in cells)} |"
