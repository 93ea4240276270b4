"""The answers as data: is attention worth it here, which entry is the best, does it beat what needs no learning?

How they are worded is in `words.jinja`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from keras_deid.comparison.entries import Entry, baselines_of, picture_metrics
from keras_deid.comparison.plan import model_settings
from keras_deid.comparison.table import Table
from keras_deid.evaluation.baselines import INPUT
from keras_deid.evaluation.evaluation_file import input_name
from keras_deid.evaluation.metrics import PRIMARY, Metric
from keras_deid.statistics import Estimate

# Without attention these settings of it mean nothing.
_OF_ATTENTION = ("generator.attention", "generator.gate_init", "generator.reduction")
# Metrics that a pair of entries is also compared by.
_ALSO_TOLD = ("ssim_mask", "lpips_mask", "lpips", "faces_found")


@dataclass(frozen=True)
class Pair:
    """How one entry differs from another on the same pictures.

    Attributes:
        ours: name of the one.
        theirs: name of the other.
        pictures: that both restored.
        seeds: runs of the one and of the other.
        gains: by metric, ours - theirs; the primary one first.
        costs: by what it is, how much more ours costs, as a fraction; None where it is not known.
        is_better: whether the primary gain is really above 0 (True), below it (False), or may be chance (None).
    """

    ours: str
    theirs: str
    pictures: int
    seeds: tuple[int, int]
    gains: dict[str, Estimate]
    costs: dict[str, float | None]
    is_better: bool | None

    @property
    def told(self) -> list[tuple[Metric, Estimate]]:
        """The gains with what is known of their metrics."""
        return [(Metric.of(name), gain) for name, gain in self.gains.items()]


@dataclass(frozen=True)
class AttentionAnswer:
    """Is attention worth it here?

    Attributes:
        pairs: that differ in attention alone; the first of each has it.
        holds: True for yes, False for no, None where nothing is shown either way, or pairs contradict each other.
    """

    pairs: tuple[Pair, ...]
    holds: bool | None

    @property
    def agree(self) -> bool:
        """Whether all pairs say the same."""
        return len({pair.is_better for pair in self.pairs}) == 1


@dataclass(frozen=True)
class BaselineGain:
    """How far the best entry is above a baseline.

    Attributes:
        baseline: "input", "bilinear" or "bicubic".
        label: what to call the input, by its method; of others their own name.
        gain: of the primary metric.
        is_beaten: whether the gain is really above 0.
    """

    baseline: str
    label: str
    gain: Estimate
    is_beaten: bool


@dataclass(frozen=True)
class BestAnswer:
    """Which entry is the best in the mask?

    Attributes:
        name: of the entry with the highest mean; None if the pictures have no masks.
        value: its mean.
        following: the next one's name; None for a single entry.
        gain: against that one.
        tied: names of those that it is not really better than.
        baselines: how far it is above each.
        holds: whether it beats all of these; None without masks.
    """

    name: str | None
    value: Estimate = Estimate()
    following: str | None = None
    gain: Estimate = Estimate()
    tied: tuple[str, ...] = ()
    baselines: tuple[BaselineGain, ...] = ()
    holds: bool | None = None


def attention_answer(entries: Sequence[Entry], speeds: Mapping[str, float]) -> AttentionAnswer:
    """Answers "is attention worth it here?" from the pairs of entries that differ in attention alone.

    Args:
        entries: evaluated on the same pictures.
        speeds: images that each entry's generator restores in a second; reported as the cost of attention.
    """
    pairs = tuple(_pair(ours, theirs, speeds) for ours, theirs in attention_pairs(entries))
    verdicts = {pair.is_better for pair in pairs}
    return AttentionAnswer(pairs, verdicts.pop() if len(verdicts) == 1 else None)


def attention_pairs(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Pairs each entry that has attention with the one that is the same without."""
    return [
        (ours, theirs)
        for ours in entries
        for theirs in entries
        if _attention(ours) != "none" and _attention(theirs) == "none" and _without(ours) == _without(theirs)
    ]


def place_pairs(entries: Sequence[Entry], speeds: Mapping[str, float]) -> list[Pair]:
    """Compares the entries that have attention and differ in its place alone."""
    return [
        _pair(ours, theirs, speeds)
        for ours, theirs in combinations(entries, 2)
        if "none" not in (_attention(ours), _attention(theirs))
        and _attention(ours) != _attention(theirs)
        and _without(ours, _OF_ATTENTION[:1]) == _without(theirs, _OF_ATTENTION[:1])
    ]


def best_answer(entries: Sequence[Entry], table: Table) -> BestAnswer:
    """Finds the best entry in the mask, how far it is above the next, and whether it beats every baseline."""
    if PRIMARY not in picture_metrics(entries):
        return BestAnswer(None)
    by_name = {entry.name: entry for entry in entries}
    best, *others = (by_name[row.name] for row in table.entries)
    gains = {other.name: _gain(best, other, PRIMARY) for other in others}
    baselines = tuple(_baseline_gain(best, source) for source in baselines_of(entries))
    following, gain = next(iter(gains.items()), (None, Estimate()))
    return BestAnswer(
        name=best.name,
        value=table.entries[0].cells[PRIMARY].value,
        following=following,
        gain=gain,
        tied=tuple(name for name, gain in gains.items() if gain.sign is None),
        baselines=baselines,
        holds=all(baseline.is_beaten for baseline in baselines),
    )


def _pair(ours: Entry, theirs: Entry, speeds: Mapping[str, float]) -> Pair:
    metrics = picture_metrics([ours, theirs])
    return Pair(
        ours=ours.name,
        theirs=theirs.name,
        pictures=len(ours.runs[0].paths),
        seeds=(len(ours.runs), len(theirs.runs)),
        gains={name: _gain(ours, theirs, name) for name in (PRIMARY, *_ALSO_TOLD) if name in metrics},
        # Costs that do not depend on what else the machine did during training.
        costs={
            "parameters_generator": _more(_parameters(ours), _parameters(theirs)),
            "restored_per_second": _more(speeds.get(ours.name), speeds.get(theirs.name)),
        },
        is_better=_gain(ours, theirs, PRIMARY).sign,
    )


def _more(mine: float | None, other: float | None) -> float | None:
    return mine / other - 1 if mine and other else None


def _parameters(entry: Entry) -> float | None:
    return entry.runs[0].summary.get("parameters", {}).get("generator")


def _baseline_gain(entry: Entry, source: str) -> BaselineGain:
    run = entry.runs[0]
    gain = Estimate.of_difference(entry.scores(PRIMARY), run.scores[source][PRIMARY][None])
    return BaselineGain(source, input_name(run.evaluation) if source == INPUT else source, gain, gain.is_above_zero)


def _gain(ours: Entry, theirs: Entry, metric: str) -> Estimate:
    return Estimate.of_difference(ours.scores(metric), theirs.scores(metric))


def _attention(entry: Entry) -> str:
    return entry.runs[0].config.generator.attention


def _without(entry: Entry, left_out: Sequence[str] = _OF_ATTENTION) -> dict[str, object]:
    settings = model_settings(entry.runs[0].config)
    return {key: value for key, value in settings.items() if key not in left_out}
