"""The whole of an attention report: networks, pictures, measurements, and what is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.atomic import write_json, write_text
from keras_deid.config import Config, shown_place
from keras_deid.errors import UserError
from keras_deid.explain.controls import CONTROLS
from keras_deid.explain.findings import summarise
from keras_deid.explain.gates import attention_gates
from keras_deid.explain.group_findings import group_findings
from keras_deid.explain.maps import GATES, METHODS, cell_width, layers_of
from keras_deid.explain.networks import ITSELF, Network, check_networks, load_networks
from keras_deid.explain.notes import notes_on_study, notes_on_targets
from keras_deid.explain.pictures import MARGIN, Pictures, load_pictures
from keras_deid.explain.regating import regate
from keras_deid.explain.report import Contents, markdown, write_report
from keras_deid.explain.sanity import (
    CASCADE_PICTURES,
    FAITHFULNESS_PICTURES,
    faithfulness_of_orders,
    randomisation,
)
from keras_deid.explain.study import conduct
from keras_deid.explain.targets import TARGETS, Target
from keras_deid.explain.verdicts import merit_verdicts, where_verdicts
from keras_deid.locking import locked_folder
from keras_deid.models.pixels import to_signed, to_uint8
from keras_deid.progress import Progress, silent
from keras_deid.statistics import LEVEL, RESAMPLES

# 2: verdicts, findings and notes are numbers and booleans (they were sentences); the region "mask" was "mosaic".
SCHEMA = 2


def explain_run(run: Path, config: Config, limit: int | None = None, progress: Progress = silent) -> dict[str, Any]:
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
        command=f"keras-deid report {run.name if run.is_absolute() else run}{limited}",
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
    progress: Progress = silent,
) -> dict[str, Any]:
    """Explains networks on pictures and writes `report.html`, `localisation.csv`, `.json` and `.md`, and `pictures/`.

    Args:
        networks: from `load_networks`.
        pictures: from `keras_deid.explain.pictures`.
        out: folder to write; made if it does not exist.
        config: of the first run; shown in the report.
        targets: names of `TARGETS`.
        method: name of one of `METHODS`.
        command: that repeats the report; shown in it.
        progress: called with the number of maps computed, then with the checks done.

    Returns:
        what is in `localisation.json`.

    Raises:
        UserError: if a network does not take the pictures, or `out` cannot be written or holds something else.
    """
    check_networks(networks, pictures)
    if method == GATES:
        _check_gates(networks)
    _check_folder(out)
    with locked_folder(out, f"{out}: is being written by another process; wait for it or choose another --out"):
        return _explain(networks, pictures, out, config, targets, method, command, progress)


def _explain(
    networks: Sequence[Network],
    pictures: Pictures,
    out: Path,
    config: Config,
    targets: Sequence[str],
    method: str,
    command: str,
    progress: Progress,
) -> dict[str, Any]:
    chosen = [TARGETS[name] for name in targets]
    pictures = dataclasses.replace(pictures, margin=max(MARGIN, cell_width(networks[0].chain, method, pictures.size)))
    study = conduct(networks, pictures, chosen, method, progress)
    findings = summarise(study)
    first = networks[0]
    progress(0, 2, "sanity checks")
    contents = Contents(
        name=first.run,
        study=study,
        findings=findings,
        groups=group_findings(study),
        verdicts=[*where_verdicts(findings), *(merit_verdicts(findings) if first.chain.has_attention else [])],
        restored=_restored(first, pictures),
        gates=attention_gates(first.chain, np.asarray(to_signed(pictures.x[: pictures.batch]))),
        regated=regate(networks, pictures),
        cascade=randomisation(first, study, chosen[0]),
        cascade_pictures=min(CASCADE_PICTURES, len(pictures)),
        faithfulness=faithfulness_of_orders(first, study, chosen[0]),
        faithfulness_pictures=min(FAITHFULNESS_PICTURES, len(pictures)),
        notes=[*notes_on_study(first, pictures, findings), *notes_on_targets(first, pictures, chosen)],
        settings=_settings(networks, pictures, chosen, method, config),
        command=command,
    )
    summary = _summary(contents)
    progress(2, 2, "sanity checks")
    table = study.table().astype({"zero": int})
    write_text(out / "localisation.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
    write_json(out / "localisation.json", summary)
    write_text(out / "localisation.md", markdown(contents))
    write_report(out, contents)
    return summary


def _restored(network: Network, pictures: Pictures) -> np.ndarray:
    batches = np.array_split(pictures.x, max(1, len(pictures) // pictures.batch))
    return np.concatenate(
        [np.asarray(to_uint8(network.chain.generator(to_signed(batch), training=False))) for batch in batches]
    )


def _settings(
    networks: Sequence[Network], pictures: Pictures, targets: Sequence[Target], method: str, config: Config
) -> dict[str, Any]:
    data = config.data
    return {
        "runs": ", ".join(network.run for network in networks if network.role == ITSELF),
        "compared with": ", ".join(network.run for network in networks if network.role != ITSELF) or "no other run",
        "method": METHODS[method],
        "targets": ", ".join(target.name for target in targets),
        "layers": ", ".join(layers_of(networks[0].chain, method)),
        "pictures": f"{len(pictures)} of {pictures.size[0]} x {pictures.size[1]} pixels",
        "left out around the de-identified region": f"{pictures.margin} pixels, for the rest of the person",
        "data": f"{data.source}{f' {shown_place(data.path)}' if data.path else ''}",
        "de-identification": f"{config.deidentify.method}, strength {config.deidentify.block_size}",
        "generator": ", ".join(f"{name} {value}" for name, value in _of_generator(config).items()),
        "discriminator": "conditional" if networks[0].chain.discriminator.input_shape[-1] == 6 else "unconditional",
        "intervals": f"{LEVEL:.0%}, {RESAMPLES} bootstrap resamples over pictures{_over_runs(networks)}, seed 0",
        "versions": ", ".join(
            f"{name} {version(name)}" for name in ("keras_deid", "tensorflow", "keras", "tf-keras-vis", "saliency")
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
        "schema": SCHEMA,
        "run": contents.name,
        "pictures": len(contents.study.pictures),
        "notes": list(contents.notes),
        "verdicts": [verdict.as_json() for verdict in contents.verdicts],
        "findings": [finding.as_json() for finding in contents.findings],
        "groups": [group.as_json() for group in contents.groups],
        "cascade": {
            layer: {stage: vars(estimate) for stage, estimate in stages.items()}
            for layer, stages in contents.cascade.items()
        },
        "regated": [regating.as_json() for regating in contents.regated],
        "faithfulness": [order.as_json() for order in contents.faithfulness],
        "controls": list(CONTROLS),
        "settings": contents.settings,
    }


def _check_folder(out: Path) -> None:
    """Sees that no pictures but a report's own are removed; its table is written before them."""
    if out.is_dir() and any(out.iterdir()) and not (out / "localisation.csv").is_file():
        raise UserError(f"{out}: holds something else than a report; choose an empty folder")


def _check_gates(networks: Sequence[Network]) -> None:
    for network in networks:
        if not network.chain.has_attention:
            raise UserError(f"{network.run}: has no CBAM, and so no gates; --method {GATES} takes runs with CBAM alone")
