"""The whole of an attention report: networks, pictures, measurements, and what is written."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.atomic import write_json, write_text
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.explain.claims import merit_claims, where_claims
from keras_deid.explain.compose import compose
from keras_deid.explain.controls import (
    CONTROLS,
    TWIN,
    cascade,
    centred_gaussian,
    rank_correlation,
    shuffled_overlap,
    weights_kept,
)
from keras_deid.explain.faithfulness import faithfulness
from keras_deid.explain.gates import attention_gates
from keras_deid.explain.localisation import METRICS
from keras_deid.explain.maps import METHODS, Explainer, enlarge
from keras_deid.explain.markdown import markdown
from keras_deid.explain.pictures import load_pictures
from keras_deid.explain.report import Contents, Faithfulness, write_report
from keras_deid.explain.study import (
    BATCH_SIZE,
    ITSELF,
    REGIONS,
    Network,
    Pictures,
    Study,
    check_pictures,
    conduct,
    weights_for,
)
from keras_deid.explain.summary import OVERLAP_LIMIT, Estimate, Finding, summarise
from keras_deid.explain.targets import TARGETS, Target
from keras_deid.intervals import LEVEL, RESAMPLES
from keras_deid.models.pixels import to_signed, to_uint8
from keras_deid.models.saved import load_discriminator, load_generator

# Randomisation layer by layer, and deletion and insertion, are told on the first pictures: they cost many times a map.
CASCADE_PICTURES = 4
FAITHFULNESS_PICTURES = 8
COLUMNS = ("run", "path", "layer", "depth", "target", "control", "region", *METRICS, "zero")

Progress = Callable[[str, int], object]


def load_network(run: Path, role: str = ITSELF, twin: Network | None = None) -> Network:
    """Loads G and D of a run and puts one behind the other.

    Args:
        run: folder with `generator.keras` and `discriminator.keras`.
        role: `ITSELF` or `TWIN`.
        twin: the network that a `TWIN` is compared with.

    Raises:
        UserError: if one of them is missing or broken, or they do not fit each other.
    """
    beside = None if twin is None else twin.explained
    return Network(run.name, compose(load_generator(run), load_discriminator(run), beside), role)


def load_networks(runs: Sequence[Path], versus: Sequence[Path]) -> list[Network]:
    """Loads the runs that the report is about, then those without CBAM that they are compared with.

    Raises:
        UserError: if a run cannot be loaded, one of `versus` has CBAM, or the runs are not seeds of one network.
    """
    of_runs = [load_network(run) for run in runs]
    of_twins = [load_network(run, TWIN, of_runs[0]) for run in versus]
    networks = of_runs + of_twins
    _check_names(networks)
    _check_layers(of_runs, "several runs must differ by seed only")
    _check_layers(of_twins, "the runs after --versus must differ by seed only")
    for twin in of_twins:
        if twin.explained.has_attention:
            raise UserError(f"{twin.run}: has CBAM; --versus takes runs without (generator.attention=none)")
        ours, theirs = len(of_runs[0].explained.layers), len(twin.explained.layers)
        if ours != theirs:
            raise UserError(
                f"{twin.run}: has {theirs} layers to take maps at, {of_runs[0].run} has {ours}; --versus takes twins "
                "of the same depth"
            )
    return networks


def _check_names(networks: Sequence[Network]) -> None:
    names = [network.run for network in networks]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name}: several runs have this name; rename their folders")


def _check_layers(networks: Sequence[Network], rule: str) -> None:
    if len({network.explained.layers for network in networks}) > 1:
        raise UserError(f"{', '.join(network.run for network in networks)}: have different layers; {rule}")


def explain_run(
    run: Path, config: Config, limit: int | None = None, progress: Progress = lambda what, done: None
) -> dict[str, Any]:
    """Writes the report of a run on its own test pictures to `RUN/attention/`.

    Args:
        run: folder with `generator.keras` and `discriminator.keras`.
        config: of the run.
        limit: only the first pictures of the test split.
        progress: see `explain`.

    Returns:
        what is in `localisation.json`.

    Raises:
        UserError: if the networks or the data are missing or do not fit each other.
    """
    limited = f" --limit {limit}" if limit else ""
    return explain(
        load_networks([run], []),
        load_pictures(config, "test", limit),
        run / "attention",
        config=config,
        command=f"python scripts/gradcam_report.py {run}{limited}",
        progress=progress,
    )


def explain(
    networks: Sequence[Network],
    pictures: Pictures,
    out: Path,
    *,
    config: Config,
    targets: Sequence[str] = ("real",),
    method: str = "gradcam",
    command: str = "",
    progress: Progress = lambda what, done: None,
) -> dict[str, Any]:
    """Explains networks on pictures and writes `report.html`, `localisation.csv`, `.json` and `.md`, and `pictures/`.

    Args:
        networks: from `load_networks`.
        pictures: from `keras_deid.explain.pictures`.
        out: folder to write; made if it does not exist.
        config: of the first run; told in the report.
        targets: names of `TARGETS`.
        method: name of one of `METHODS`.
        command: that does the same again; told in the report.
        progress: called with what is being done and how much more of it is done.

    Returns:
        what is in `localisation.json`.

    Raises:
        UserError: if a network does not take the pictures, or `out` cannot be written.
    """
    check_pictures(networks, pictures)
    _make_folder(out)
    chosen = [TARGETS[name] for name in targets]
    study = conduct(networks, pictures, chosen, method, lambda maps: progress("maps", maps))
    findings = summarise(study)
    first = networks[0]
    progress("sanity checks", 0)
    contents = Contents(
        name=first.run,
        study=study,
        findings=findings,
        claims=[*where_claims(findings), *(merit_claims(findings) if first.explained.has_attention else [])],
        restored=_restored(first, pictures),
        gates=attention_gates(first.explained, np.asarray(to_signed(pictures.x[:BATCH_SIZE]))),
        cascade=_cascade(first, study, chosen[0]),
        cascade_pictures=min(CASCADE_PICTURES, len(pictures)),
        faithfulness=_faithfulness(first, study, chosen[0]),
        faithfulness_pictures=min(FAITHFULNESS_PICTURES, len(pictures)),
        notes=[*_notes(networks, pictures, findings), *_notes_on_targets(first, pictures, chosen)],
        settings=_settings(networks, pictures, chosen, method, config),
        command=command,
    )
    summary = _summary(contents)
    write_text(out / "localisation.csv", _csv(study))
    write_json(out / "localisation.json", summary)
    write_text(out / "localisation.md", markdown(command, contents.notes, contents.claims, findings))
    write_report(out, contents)
    return summary


def _restored(network: Network, pictures: Pictures) -> np.ndarray:
    batches = np.array_split(pictures.x, max(1, len(pictures) // BATCH_SIZE))
    return np.concatenate(
        [np.asarray(to_uint8(network.explained.generator(to_signed(batch), training=False))) for batch in batches]
    )


def _cascade(network: Network, study: Study, target: Target) -> dict[str, dict[str, Estimate]]:
    """Compares maps at the first, middle and last layer with those of a network that is less and less trained."""
    x = np.asarray(to_signed(study.pictures.x[:CASCADE_PICTURES]))
    weights = weights_for(network.explained, target, study.pictures.mosaic[: len(x)])
    layers = study.layers
    chosen = dict.fromkeys((layers[0], layers[len(layers) // 2], layers[-1]))
    explain = Explainer(network.explained.model, list(chosen), study.method)
    found: dict[str, dict[str, Estimate]] = {layer: {} for layer in chosen}
    with weights_kept(network.explained):
        for stage in cascade(network.explained):
            for layer, maps in explain(x, weights).items():
                trained = study.maps[target.name, layer]
                values = [rank_correlation(one, other) for one, other in zip(maps, trained, strict=False)]
                found[layer][stage] = Estimate.of(np.array(values))
    return found


def _faithfulness(network: Network, study: Study, target: Target) -> list[Faithfulness]:
    """Follows the score along the order of the maps at the first, middle and last layer, and of two controls."""
    pictures = study.pictures
    x = np.asarray(to_signed(pictures.x[:FAITHFULNESS_PICTURES]))
    weights = weights_for(network.explained, target, pictures.mosaic[: len(x)])
    layers = study.layers
    orders = {
        layer: enlarge(study.maps[target.name, layer][: len(x)], pictures.size)
        for layer in dict.fromkeys((layers[0], layers[len(layers) // 2], layers[-1]))
    }
    orders["centred gaussian"] = np.broadcast_to(centred_gaussian(pictures.size), x.shape[:3])
    orders["random order"] = np.random.default_rng(0).random(x.shape[:3])
    areas = {name: faithfulness(network.explained.model, x, maps, weights).areas() for name, maps in orders.items()}
    chance_deletion, chance_insertion = areas["random order"]
    return [
        Faithfulness(
            name,
            Estimate.of(deletion),
            Estimate.of(insertion),
            Estimate.of(chance_deletion - deletion),
            Estimate.of(insertion - chance_insertion),
        )
        for name, (deletion, insertion) in areas.items()
    ]


def _notes(networks: Sequence[Network], pictures: Pictures, findings: Sequence[Finding]) -> list[str]:
    notes = []
    if not networks[0].explained.has_attention:
        notes.append(f"This run has no CBAM: its maps are taken at the {networks[0].explained.places}.")
    if not pictures.person.any():
        notes.append("The data have no person masks: only the de-identified region is measured.")
    if not pictures.mosaic.any():
        notes.append("No picture has a de-identified region.")
    if len(pictures) < 20:
        notes.append(f"Only {len(pictures)} pictures: the intervals are rough.")
    for region, masks in pictures.regions().items():
        overlap = shuffled_overlap(masks)
        if overlap > OVERLAP_LIMIT:
            notes.append(
                f"The pictures have the {REGIONS[region]} in nearly the same place (intersection over union "
                f"{overlap:.2f} on average): shuffled masks cannot tell maps that follow it from maps that always "
                "light up there, and do not decide."
            )
    zero = [finding for finding in findings if finding.zero_maps and not finding.pictures]
    if zero:
        layers = ", ".join(dict.fromkeys(finding.layer for finding in zero))
        notes.append(f"All maps are zero everywhere at {layers}: nothing there speaks for the score.")
    return notes


def _notes_on_targets(network: Network, pictures: Pictures, targets: Sequence[Target]) -> list[str]:
    """Says which targets are no other score than the mean patch logit, because every patch sees the region."""
    everywhere = weights_for(network.explained, TARGETS["real"], pictures.mosaic)
    return [
        f"Every patch of D sees the de-identified region: “{target.name}” is the same score as “real” here."
        for target in targets
        if target.name != "real" and np.allclose(weights_for(network.explained, target, pictures.mosaic), everywhere)
    ]


def _settings(
    networks: Sequence[Network], pictures: Pictures, targets: Sequence[Target], method: str, config: Config
) -> dict[str, Any]:
    data = config.data
    return {
        "runs": ", ".join(network.run for network in networks if network.role == ITSELF),
        "compared with": ", ".join(network.run for network in networks if network.role != ITSELF) or "no other run",
        "method": METHODS[method],
        "targets": ", ".join(target.name for target in targets),
        "layers": ", ".join(networks[0].explained.layers),
        "pictures": f"{len(pictures)} of {pictures.size[0]} x {pictures.size[1]} pixels",
        "data": f"{data.source}{f' {data.path}' if data.path else ''}",
        "de-identification": f"{config.deidentify.method}, strength {config.deidentify.block_size}",
        "generator": ", ".join(f"{name} {value}" for name, value in _of_generator(config).items()),
        "discriminator": "conditional" if networks[0].explained.discriminator.input_shape[-1] == 6 else "unconditional",
        "intervals": f"{LEVEL:.0%}, {RESAMPLES} bootstrap resamples over pictures{_over_runs(networks)}, seed 0",
        "versions": ", ".join(
            f"{name} {version(name)}" for name in ("keras_deid", "tensorflow", "keras", "tf-keras-vis")
        ),
    }


def _of_generator(config: Config) -> dict[str, Any]:
    if config.generator.network == "resnet":
        return config.generator.model_dump(exclude={"latent"})
    return config.generator.model_dump(include={"network", "filters", "dropout"})


def _over_runs(networks: Sequence[Network]) -> str:
    roles = [network.role for network in networks]
    return " and over runs" if len(roles) > len(set(roles)) else ""


def _summary(contents: Contents) -> dict[str, Any]:
    return {
        "run": contents.name,
        "pictures": len(contents.study.pictures),
        "notes": list(contents.notes),
        "verdicts": [claim.as_json() for claim in contents.claims],
        "findings": [finding.as_json() for finding in contents.findings],
        "cascade": {
            layer: {stage: vars(estimate) for stage, estimate in stages.items()}
            for layer, stages in contents.cascade.items()
        },
        "faithfulness": [
            {"order": row.order}
            | {name: vars(getattr(row, name)) for name in ("deletion", "insertion", "deletion_gain", "insertion_gain")}
            for row in contents.faithfulness
        ],
        "controls": CONTROLS,
        "settings": contents.settings,
    }


def _csv(study: Study) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for row in study.rows:
        numbers = (getattr(row.found, metric) for metric in METRICS)
        cells = ("" if math.isnan(number) else f"{number:.6g}" for number in numbers)
        lines.writerow(
            (row.run, row.path, row.layer, row.depth, row.target, row.control, row.region, *cells, int(row.zero))
        )
    return text.getvalue()


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: cannot be made a folder ({error.strerror}); choose another --out") from error
