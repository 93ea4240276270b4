import keras
import pytest

from keras_deid.comparison.entries import Entry
from keras_deid.comparison.gallery import SHOWN, make_gallery
from keras_deid.comparison.runs import read_run
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.report.page import wording


def networks(config):
    settings = config.generator.model_dump(include={"filters", "blocks", "attention", "gate_init", "reduction"})
    return {
        "generator.keras": resnet_generator((32, 32, 3), normalization="none", **settings),
        "discriminator.keras": patch_discriminator((32, 32, 3), filters=4, layers=1),
    }


def plain_networks(config):
    """Without any layer that is explained."""
    pictures = keras.Input((32, 32, 3))
    generator = keras.Model(pictures, keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(pictures))
    return networks(config) | {"generator.keras": generator}


def dead_networks(config):
    """A D that says the same whatever it sees: all maps are zero."""
    found = networks(config)
    for weight in found["discriminator.keras"].weights:
        weight.assign(weight * 0)
    return found


@pytest.fixture
def gallery(write_run, tmp_path):
    entries, generators = [], {}
    kinds = {"with": networks, "without": networks, "plain": plain_networks, "dead": dead_networks}
    for name, made in kinds.items():
        config = write_run(
            tmp_path / name, networks=made, attention="none" if name == "without" else "between", filters=len(name)
        )
        entries.append(Entry(name, (read_run(name, tmp_path / name, config, None),)))
        generators[name] = keras.saving.load_model(tmp_path / name / "generator.keras", compile=False)
    return make_gallery(entries, generators, config, "mosaic")


def test_columns_and_notes(gallery):
    assert list(gallery.columns) == [
        "original",
        "mosaic",
        "with",
        "without",
        "plain",
        "dead",
        "with, cbam_1",
        "without, block_1_sum",
        "dead, cbam_1",
    ]
    assert len(gallery.paths) == len(set(gallery.paths)) == SHOWN
    assert all(len(shown) == SHOWN and shown[0].shape == (32, 32, 3) for shown in gallery.columns.values())
    assert len(gallery.notes) == 2
    no_overlay, zero = map(wording("comparison/words.jinja").note, gallery.notes)
    assert no_overlay.startswith("No overlay for plain: the generator") and "no layer" in no_overlay
    assert zero.startswith("All maps of dead at cbam_1 are zero")
    assert gallery.notes[1] == {"kind": "zero_maps", "name": "dead", "layer": "cbam_1"}
    assert gallery.top >= 3
