"""The plain answers: is attention worth it here, which model is the best, does it beat what needs no learning?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from keras_deid.comparison.metrics import PRIMARY, Metric
from keras_deid.comparison.models import Model, floors_of, picture_metrics
from keras_deid.comparison.plan import model_settings
from keras_deid.comparison.significance import difference, is_real
from keras_deid.comparison.table import Table
from keras_deid.evaluation.table import input_name
from keras_deid.explain.summary import Estimate

# Without attention these settings of it mean nothing.
_OF_ATTENTION = ("generator.attention", "generator.gate_init", "generator.reduction")
_WHEN_ALL_AGREE = {
    True: "Attention is worth it here, wherever it was tried: what was hidden is restored better with it.",
    False: "Attention is not worth it here: wherever it was tried, the same model restores better without it.",
    None: "Attention is not shown to be worth it here: all differences may be chance.",
}
_EFFECTS = {True: "it helps", False: "it harms", None: "no difference can be told from chance"}
_ALSO_TOLD = ("ssim_mask", "lpips_mask", "lpips", "faces_found")


@dataclass(frozen=True)
class Answer:
    """An answer to a question.

    Attributes:
        headline: the answer in a sentence.
        holds: True for yes, False for no, None where nothing is shown either way.
        sentences: what it rests on.
    """

    headline: str
    holds: bool | None
    sentences: tuple[str, ...] = ()


def attention_answer(models: Sequence[Model], speeds: Mapping[str, float]) -> Answer:
    """Answers "is attention worth it here?" from the pairs of models that differ in attention alone.

    Args:
        models: evaluated on the same pictures.
        speeds: images that each model's generator restores in a second; told as what attention costs.
    """
    pairs = attention_pairs(models)
    if not pairs:
        return Answer(
            "Whether attention is worth it cannot be told: no two of these models differ in attention alone.", None
        )
    gains = [_gain(ours, theirs, PRIMARY) for ours, theirs in pairs]
    sentences = tuple(_pair_sentence(ours, theirs, speeds) for ours, theirs in pairs)
    if len(pairs) == 1:
        return Answer(_headline(*pairs[0], gains[0]), _verdict(gains[0]), sentences)
    by_verdict: dict[bool | None, list[str]] = {}
    for (ours, _), gain in zip(pairs, gains, strict=True):
        by_verdict.setdefault(_verdict(gain), []).append(ours.name)
    if len(by_verdict) == 1:
        (verdict,) = by_verdict
        return Answer(_WHEN_ALL_AGREE[verdict], verdict, sentences)
    parts = [f"{words} in {', '.join(by_verdict[key])}" for key, words in _EFFECTS.items() if key in by_verdict]
    return Answer(f"Whether attention is worth it here depends on its form: {'; '.join(parts)}.", None, sentences)


def attention_pairs(models: Sequence[Model]) -> list[tuple[Model, Model]]:
    """Pairs each model that has attention with the one that is the same without."""
    return [
        (ours, theirs)
        for ours in models
        for theirs in models
        if _attention(ours) != "none" and _attention(theirs) == "none" and _without(ours) == _without(theirs)
    ]


def place_sentences(models: Sequence[Model], speeds: Mapping[str, float]) -> list[str]:
    """Compares the models that have attention and differ in its place alone, as `attention_answer` compares."""
    return [
        _pair_sentence(ours, theirs, speeds)
        for ours, theirs in combinations(models, 2)
        if "none" not in (_attention(ours), _attention(theirs))
        and _attention(ours) != _attention(theirs)
        and _without(ours, _OF_ATTENTION[:1]) == _without(theirs, _OF_ATTENTION[:1])
    ]


def best_answer(models: Sequence[Model], table: Table) -> Answer:
    """Says which model is the best in the mask, how far above the next, and whether it beats every floor."""
    if PRIMARY not in picture_metrics(models):
        return Answer("Which model is the best in the mask cannot be told: the pictures have no masks.", None)
    by_name = {model.name: model for model in models}
    best = by_name[table.models[0].name]
    sentences = tuple(_floor_sentence(best, floor) for floor in floors_of(models))
    unbeaten = [_floor_name(best, floor) for floor in floors_of(models) if not _is_above(_floor_gain(best, floor))]
    below = f" It is not shown to beat {' or '.join(unbeaten)}." if unbeaten else ""
    return Answer(_best_sentence(models, best, table) + below, not unbeaten, sentences)


def _best_sentence(models: Sequence[Model], best: Model, table: Table) -> str:
    shown = f"{table.models[0].cells[PRIMARY].value.words('.2f')} dB"
    if len(models) == 1:
        return f"{best.name} restores the mask to {shown}."
    by_name = {model.name: model for model in models}
    gains = {row.name: _gain(best, by_name[row.name], PRIMARY) for row in table.models[1:]}
    tied = ", ".join(name for name, gain in gains.items() if not is_real(gain))
    if tied:
        return f"{best.name} has the highest mean in the mask, {shown}, but is not really better than {tied}."
    following, gain = next(iter(gains.items()))
    return f"{best.name} is the best in the mask, {shown}: {gain.words('+.2f')} dB against the next, {following}."


def _headline(ours: Model, theirs: Model, gain: Estimate) -> str:
    words = gain.words("+.2f")
    verdict = _verdict(gain)
    if verdict is None:
        return (
            f"Attention is not shown to be worth it here: {words} dB in the mask with attention ({ours.name}) against "
            f"without ({theirs.name}) may be chance."
        )
    opening = "Attention is worth it here" if verdict else "Attention is not worth it here"
    return f"{opening}: {words} dB in the mask with attention ({ours.name}) against without ({theirs.name})."


def _pair_sentence(ours: Model, theirs: Model, speeds: Mapping[str, float]) -> str:
    """Says how one model differs from another, in figures and in cost."""
    metrics = picture_metrics([ours, theirs])
    parts = [_gain_words(ours, theirs, Metric.of(name)) for name in (PRIMARY, *_ALSO_TOLD) if name in metrics]
    costs = _cost_words(ours, theirs, speeds)
    verdict = {True: "better", False: "worse", None: "no difference that can be told from chance"}
    return (
        f"{ours.name} against {theirs.name} on {len(ours.runs[0].paths)} pictures"
        f"{_seeds_words(ours, theirs)}: {', '.join(parts)}{costs}: {verdict[_verdict(_gain(ours, theirs, PRIMARY))]}."
    )


def _gain_words(ours: Model, theirs: Model, metric: Metric) -> str:
    gain = _gain(ours, theirs, metric.name)
    if metric.form.endswith("%"):
        return f"{metric.words} {Estimate(*_times(gain, 100)).words('+.1f')} points"
    return f"{metric.words} {gain.words(f'+{metric.form}')} {metric.unit}".strip()


def _times(estimate: Estimate, factor: float) -> list[float | None]:
    return [None if value is None else value * factor for value in (estimate.mean, estimate.low, estimate.high)]


def _seeds_words(ours: Model, theirs: Model) -> str:
    counts = {len(ours.runs), len(theirs.runs)}
    if counts == {1}:
        return ", one seed each"
    return f", {counts.pop()} seeds each" if len(counts) == 1 else f", {len(ours.runs)} and {len(theirs.runs)} seeds"


def _cost_words(ours: Model, theirs: Model, speeds: Mapping[str, float]) -> str:
    """Says what the difference costs, by what does not depend on what else the machine did while it trained."""
    parts = []
    for what, (mine, other) in {
        "parameters of G": (_parameters(ours), _parameters(theirs)),
        "images restored a second": (speeds.get(ours.name), speeds.get(theirs.name)),
    }.items():
        if mine and other:
            parts.append(f"{mine / other - 1:+.1%} {what}")
    return f"; at {' and '.join(parts)}" if parts else ""


def _parameters(model: Model) -> float | None:
    return model.runs[0].summary.get("parameters", {}).get("generator")


def _floor_sentence(model: Model, floor: str) -> str:
    gain = _floor_gain(model, floor)
    name = _floor_name(model, floor)
    if gain.mean is None:
        return f"Against {name}: no measurement."
    beaten = "" if _is_above(gain) else ", which is not really beaten"
    return f"{gain.words('+.2f')} dB in the mask against {name}{beaten}."


def _floor_name(model: Model, floor: str) -> str:
    return f"the {input_name(model.runs[0].figures)} itself" if floor == "mosaic" else f"{floor} enlargement"


def _floor_gain(model: Model, floor: str) -> Estimate:
    return difference(model.scores(PRIMARY), model.runs[0].scores[floor][PRIMARY][None])


def _gain(ours: Model, theirs: Model, metric: str) -> Estimate:
    return difference(ours.scores(metric), theirs.scores(metric))


def _verdict(gain: Estimate) -> bool | None:
    return _is_above(gain) if is_real(gain) else None


def _is_above(gain: Estimate) -> bool:
    return gain.low is not None and gain.low > 0


def _attention(model: Model) -> str:
    return model.runs[0].config.generator.attention


def _without(model: Model, left_out: Sequence[str] = _OF_ATTENTION) -> dict[str, object]:
    settings = model_settings(model.runs[0].config)
    return {key: value for key, value in settings.items() if key not in left_out}
