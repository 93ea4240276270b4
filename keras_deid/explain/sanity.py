"""Sanity checks on the first pictures: do the maps depend on what was learned, and the score on the maps?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_deid.explain.controls import cascade, centred_gaussian, rank_correlation, weights_kept
from keras_deid.explain.faithfulness import faithfulness
from keras_deid.explain.maps import Explainer, enlarge
from keras_deid.explain.networks import Network, weights_for
from keras_deid.explain.study import Study
from keras_deid.explain.targets import Target
from keras_deid.models.pixels import to_signed
from keras_deid.statistics import Estimate

# Both cost many times a map.
CASCADE_PICTURES = 4
FAITHFULNESS_PICTURES = 8

# By layer and stage, the rank correlation of randomised maps with the trained ones.
Cascade = dict[str, dict[str, Estimate]]


@dataclass(frozen=True)
class Faithfulness:
    """How the score falls and rises along the order of pixels that something gives, on some pictures.

    Attributes:
        order: what gives the order: a layer's name, or a control's.
        deletion: area under the deletion curve; lower is better.
        insertion: area under the insertion curve; higher is better.
        deletion_gain: area of a random order less this one, picture by picture; above 0 is better than chance.
        insertion_gain: this one less a random order.
    """

    order: str
    deletion: Estimate
    insertion: Estimate
    deletion_gain: Estimate
    insertion_gain: Estimate

    def as_json(self) -> dict[str, Any]:
        """Returns the form of `localisation.json`."""
        return asdict(self)


def first_middle_last(layers: Sequence[str]) -> list[str]:
    """Chooses up to three layers to show, from the input on."""
    return list(dict.fromkeys((layers[0], layers[len(layers) // 2], layers[-1])))


def randomisation(network: Network, study: Study, target: Target) -> Cascade:
    """Compares maps at the first, middle and last layer with those of a network that is less and less trained."""
    x = np.asarray(to_signed(study.pictures.x[:CASCADE_PICTURES]))
    weights = weights_for(network.chain, target, study.pictures.mask[: len(x)])
    layers = first_middle_last(study.layers)
    explain = Explainer(network.chain.model, layers, study.method)
    found: Cascade = {layer: {} for layer in layers}
    with weights_kept(network.chain):
        for stage in cascade(network.chain):
            for layer, maps in explain(x, weights).items():
                trained = study.maps[target.name, layer]
                values = [rank_correlation(one, other) for one, other in zip(maps, trained, strict=False)]
                found[layer][stage] = Estimate.of(np.array(values))
    return found


def faithfulness_of_orders(network: Network, study: Study, target: Target) -> list[Faithfulness]:
    """Follows the score along the order of the maps at the first, middle and last layer, and of two controls."""
    pictures = study.pictures
    x = np.asarray(to_signed(pictures.x[:FAITHFULNESS_PICTURES]))
    weights = weights_for(network.chain, target, pictures.mask[: len(x)])
    orders = {
        layer: enlarge(study.maps[target.name, layer][: len(x)], pictures.size)
        for layer in first_middle_last(study.layers)
    }
    orders["centred gaussian"] = np.broadcast_to(centred_gaussian(pictures.size), x.shape[:3])
    orders["random order"] = np.random.default_rng(0).random(x.shape[:3])
    areas = {name: faithfulness(network.chain.model, x, maps, weights).areas() for name, maps in orders.items()}
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
