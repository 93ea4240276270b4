from keras_deid.useful.table import markdown, verdicts

BACK = {"given_back": 0.804, "given_back_interval": [0.7, 0.906]}
NONE = {"given_back": None, "given_back_interval": None}


def content(lost):
    sources = {
        "original": {"ap": 0.8, "interval": [0.7, 0.9], **NONE},
        "input": {"ap": 0.3, "interval": [0.2, 0.4], **NONE},
        "restored": {"ap": 0.7, "interval": [0.6, 0.8], **(BACK if lost[0] > 0 else NONE)},
    }
    of_kind = {
        "sources": sources,
        "lost": {"ap": 0.5, "interval": lost},
        "beyond": {"input": {"ap": 0.4, "interval": [0.3, 0.5]}},
    }
    return {
        "settings": {"model": "street64_any"},
        "seeds": 3,
        "train": {"photographs": 10, "faces": 11},
        "test": {"photographs": 20, "faces": 21},
        "skipped": [],
        "kinds": {"one": {"description": "a blur", **of_kind}, "other": {"description": "a box", **of_kind}},
    }


def test_the_table():
    lines = markdown(content([0.4, 0.6])).splitlines()
    assert lines[0] == "# Usefulness: street64_any"
    assert (
        "3 face detectors for each line, trained on 10 photographs with 11 faces and tried on 20 original ones"
        in lines[2]
    )
    assert [line for line in lines if line.startswith("| ")][2:] == [
        "| – | original | 0.800 (0.700 to 0.900) | – | – |",  # once
        "| a blur | hidden | 0.300 (0.200 to 0.400) | – | +0.400 (0.300 to 0.500) |",
        "| a blur | restored | 0.700 (0.600 to 0.800) | 80 % (70 % to 91 %) | – |",
        "| a box | hidden | 0.300 (0.200 to 0.400) | – | +0.400 (0.300 to 0.500) |",
        "| a box | restored | 0.700 (0.600 to 0.800) | 80 % (70 % to 91 %) | – |",
    ]
    assert lines[-1] == (
        "- a box: hiding costs 0.500 (0.400 to 0.600) of average precision; restoring gives back 80 % (70 % to 91 %)"
    )


def test_a_loss_that_could_be_chance():
    said, _ = verdicts(content([-0.1, 0.6]))
    assert said == (
        "a blur: hiding costs nothing that can be distinguished from chance "
        "(original - hidden: 0.500 (-0.100 to 0.600))"
    )
