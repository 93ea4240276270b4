import pytest

from keras_deid.figures.stages import drawn
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.models.unet_generator import unet_generator

SMALL = {"filters": 4, "reduction": 4}


def shown(network):
    return [(stage.name, stage.shape) for stage in network.stages]


def test_the_paper_s_networks():
    network = drawn(resnet_generator((256, 256, 3)))
    assert shown(network) == [
        ("deidentified", (256, 256, 3)),
        ("stem", (256, 256, 64)),
        ("down_1", (128, 128, 128)),
        ("down_2", (64, 64, 256)),
        ("block_1", (64, 64, 256)),
        ("cbam_1", (64, 64, 256)),
        ("up_1", (128, 128, 128)),
        ("up_2", (256, 256, 64)),
        ("head", (256, 256, 3)),
    ]
    assert [(len(part.stages), part.times) for part in network.parts if part.times > 1] == [(2, 9)]
    assert network.skips == ()
    assert network.parameters == 11_455_246
    assert network.stages[4].operations == ("conv 3×3", "instance norm", "ReLU", "conv 3×3", "instance norm", "+")
    assert network.stages[5].operations == ("CBAM: channel gate, spatial gate 7×7",)
    assert network.stages[-1].operations == ("conv 7×7", "tanh")


def test_what_passes_by_and_cbam_in_the_branch():
    network = drawn(
        resnet_generator(
            (24, 16, 3),
            **SMALL,
            blocks=3,
            attention="branch",
            residual_scale=0.1,
            skips=True,
            global_skip=True,
            upsampling="resize",
            normalization="none",
        )
    )
    names = [stage.name for stage in network.stages]
    assert names == ["deidentified", "stem", "down_1", "down_2", "block_1", "up_1", "up_2", "head"]
    assert network.parts[4].times == 3
    assert network.stages[4].has_attention
    assert network.stages[4].operations[-3:] == ("CBAM: channel gate, spatial gate 7×7", "× 0.1", "+")
    assert {(names[start], names[stop]) for start, stop in network.skips} == {
        ("down_1", "up_1"),
        ("stem", "up_2"),
        ("deidentified", "head"),
    }


@pytest.mark.parametrize(("blocks", "parts"), [(1, [1, 1]), (2, [2])])
def test_one_block_is_no_repetition(blocks, parts):
    network = drawn(resnet_generator((16, 16, 3), **SMALL, blocks=blocks))
    assert [part.times for part in network.parts[4:-3]] == parts


def test_a_unet_and_a_discriminator():
    network = drawn(unet_generator((32, 32, 3), filters=4))
    names = [stage.name for stage in network.stages]
    assert names == [
        "deidentified",
        *(f"down_{index}" for index in range(1, 6)),
        "bottleneck",
        *(f"up_{index}" for index in range(1, 5)),
        "head",
    ]
    assert {(names[start], names[stop]) for start, stop in network.skips} == {
        (f"down_{5 - index}", f"up_{index}") for index in range(1, 5)
    }
    discriminator = drawn(patch_discriminator((64, 64, 6), filters=4, layers=2))
    assert shown(discriminator) == [
        ("picture", (64, 64, 6)),
        ("patch_1", (32, 32, 4)),
        ("patch_2", (16, 16, 8)),
        ("patch_3", (15, 15, 16)),
        ("verdict", (14, 14, 1)),
    ]
    assert discriminator.stages[1].operations == ("conv 4×4, stride 2", "leaky ReLU")
