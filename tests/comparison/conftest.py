import csv
import json

import numpy as np
import pytest

from keras_deid.comparison.answers import attention_answer, best_answer, place_pairs
from keras_deid.comparison.budget import budget_of
from keras_deid.comparison.entries import Entry, runs_of
from keras_deid.comparison.gallery import Gallery
from keras_deid.comparison.report import Contents
from keras_deid.comparison.runs import Run
from keras_deid.comparison.table import make_table
from keras_deid.config import Config, load_config

PICTURES = 24
SETTINGS = {
    "data": {"image_size": [32, 32], "synthetic": {"train": 4, "val": 2, "test": PICTURES}},
    "generator": {"filters": 4, "blocks": 1, "reduction": 4, "normalization": "none"},
    "discriminator": {"filters": 4, "layers": 1},
    "training": {"batch_size": 2, "epochs": 2, "decay_epochs": 0},
}


def config_of(name, seed=0, **generator):
    return Config.model_validate(
        SETTINGS
        | {
            "name": name,
            "generator": SETTINGS["generator"] | generator,
            "training": SETTINGS["training"] | {"seed": seed},
        }
    )


def scores_of(restored):
    """Scores of the sources; those of the baselines are the same for every run, as on one data set."""
    baseline = 20 + np.random.default_rng(0).normal(0, 2, PICTURES)
    found = np.arange(PICTURES) % 2

    def scores(psnr, found):
        return {"psnr_mask": psnr, "ssim_mask": psnr / 40, "faces_found": found.astype(float)}

    nothing = np.full(PICTURES, np.nan)
    return {
        "original": {"psnr_mask": nothing, "ssim_mask": nothing, "faces_found": np.ones(PICTURES)},
        "input": scores(baseline - 1, 0 * found),
        "bicubic": scores(baseline, found),
        "restored": scores(restored, found),
    }


def evaluation_of(scores):
    means = {
        source: {metric: float(values.mean()) for metric, values in of.items() if not np.isnan(values).all()}
        for source, of in scores.items()
    }
    return {
        "schema": 2,
        "split": "test",
        "images": PICTURES,
        "data": {"source": "synthetic", "image_size": [32, 32]},
        "settings": {"deidentify": {"method": "mosaic", "block_size": 0.2}, "faces_found": {"iou": 0.5}},
        "original": means.pop("original"),
        "restored": means.pop("restored"),
        "baselines": means,
        "intervals": {"restored": {}},
    }


@pytest.fixture
def make_entry():
    """Makes an entry whose restored pictures are `gains` dB above the best baseline, a gain for each seed."""

    def make(name, *gains, spread=0.1, images=2000, seconds=600.0, **generator):
        runs = []
        for seed, gain in enumerate(gains):
            noise = np.random.default_rng([seed, *name.encode()]).normal(0, spread, PICTURES)
            noise -= noise.mean()
            scores = scores_of(scores_of(np.zeros(PICTURES))["bicubic"]["psnr_mask"] + gain + noise)
            summary = {
                "steps": images // 2,
                "seconds": seconds,
                "images_per_second": images / seconds,
                "parameters": {"generator": 1000 + 100 * len(generator), "discriminator": 50},
            }
            runs.append(
                Run(
                    label=f"{name}, seed {seed}",
                    folder=None,
                    config=config_of(name, seed, **generator),
                    summary=summary,
                    evaluation=evaluation_of(scores),
                    paths=tuple(f"{number}.jpg" for number in range(PICTURES)),
                    scores=scores,
                    history=[
                        {"step": 100.0 * epoch, "seconds": 30.0, "val_psnr_mask": 20 + gain * epoch / 2}
                        for epoch in (1, 2)
                    ],
                )
            )
        return Entry(name, tuple(runs))

    return make


@pytest.fixture
def make_contents():
    """Makes what a page tells of entries, without pictures."""

    def make(entries):
        table = make_table(entries)
        return Contents(
            entries=entries,
            table=table,
            attention=attention_answer(entries, {}),
            best=best_answer(entries, table),
            places=place_pairs(entries, {}),
            budget=budget_of(runs_of(entries)),
            speeds={},
            gallery=Gallery((), {}, None, ()),
            blocks={},
            settings={"de-identification": "mosaic", "block sizes": ""},
            command="",
        )

    return make


@pytest.fixture
def write_run():
    """Writes a run's folder as training leaves it, as far as it is read; without weights unless they are asked for."""

    def write(folder, name=None, seed=0, gain=1.0, networks=None, **generator):
        config = config_of(name or folder.name, seed, **generator)
        folder.mkdir(parents=True)
        config.save(folder / "config.yaml")
        noise = np.random.default_rng([seed, *folder.name.encode()]).normal(0, 0.1, PICTURES)
        scores = scores_of(scores_of(np.zeros(PICTURES))["bicubic"]["psnr_mask"] + gain + noise)
        evaluation = evaluation_of(scores)
        (folder / "evaluation.json").write_text(json.dumps(evaluation))
        _write_scores(folder / "evaluation.csv", scores)
        summary = {
            "epochs": 2,
            "steps": 4,
            "seconds": 120.0,
            "images_per_second": 0.07,
            "precision": "float32",
            "parameters": {"generator": 1234567, "discriminator": 50},
            "metrics": evaluation,
        }
        (folder / "summary.json").write_text(json.dumps(summary))
        (folder / "history.csv").write_text("epoch,step,seconds,val_psnr_mask\n1,2,60,20.5\n2,4,60,21.5\n")
        if networks:
            for file, network in networks(config).items():
                network.save(folder / file)
        else:
            (folder / "generator.keras").touch()
        return load_config(folder / "config.yaml")

    return write


def _write_scores(path, scores):
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["path", "source", *scores["restored"], "box_width", "block", "brightness"])
        for number in range(PICTURES):
            for source, values in scores.items():
                cells = ["" if np.isnan(found[number]) else found[number] for found in values.values()]
                lines.writerow([f"{number}.jpg", source, *cells, 16, 3.2, 0.5])
