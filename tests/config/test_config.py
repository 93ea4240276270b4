import re
from pathlib import Path

import pydantic
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.config import Config, DataConfig, load_config
from keras_deid.config.loader import RENAMED
from keras_deid.errors import UserError
from keras_deid.hiding.hiding import METHODS

PRESETS = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))


@pytest.fixture
def write(tmp_path):
    """Writes a configuration file and returns its path."""

    def write(text, name="own.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def mistakes(path, *overrides):
    """The lines that loading ends in."""
    with pytest.raises(UserError) as raised:
        load_config(path, overrides)
    return str(raised.value).splitlines()


def test_an_empty_file_is_the_paper(write):
    config = load_config(write(""))
    assert config == Config()
    assert (config.generator.filters, config.generator.blocks, config.generator.attention) == (64, 9, "between")
    assert (config.loss.adversarial, config.loss.distance, config.loss.whole_weight) == ("log", "l1", 1.0)
    training = config.training
    assert (training.learning_rate, training.beta_1, training.batch_size) == (2e-4, 0.5, 1)
    assert (training.epochs, training.decay_epochs) == (100, 100)


def test_values_come_from_the_file(write):
    config = load_config(write("name: mine\ndata: {image_size: [64, 96], path: some/where}\ntraining: {epochs: 3}\n"))
    assert (config.name, config.training.epochs, config.training.batch_size) == ("mine", 3, 1)
    assert (config.data.image_size, config.data.path) == ((64, 96), Path("some/where"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("training: {epoch: 3}", "training.epoch: unknown key; did you mean 'epochs'?"),
        ("genrator: {filters: 3}", "genrator: unknown key; did you mean 'generator'?"),
        (
            "discriminator: {zzz: 3}",
            "discriminator.zzz: unknown key; expected one of filters, layers, conditional",
        ),
        ("data: {prepare: {contxt: 3}}", "data.prepare.contxt: unknown key; did you mean 'context'?"),
        ("training: {epochs: many}", "training.epochs: input should be a valid integer, received 'many'"),
        ("training: {epochs: 3.5}", "training.epochs: input should be a valid integer, received 3.5"),
        ("training: {epochs: 3.0}", "training.epochs: input should be a valid integer, received 3.0"),
        ("training: {epochs: true}", "training.epochs: input should be a valid integer, received True"),
        ("training: {learning_rate: true}", "training.learning_rate: input should be a valid number, received True"),
        ("training: {learning_rate: fast}", "training.learning_rate: input should be a valid number, received 'fast'"),
        ("training: {deterministic: 1}", "training.deterministic: input should be a valid boolean, received 1"),
        ("name: 3", "name: input should be a valid string, received 3"),
        ("training: {epochs: 0}", "training.epochs: input should be greater than or equal to 1, received 0"),
        ("training: {beta_1: 1.0}", "training.beta_1: input should be less than 1, received 1.0"),
        ("training: {learning_rate: 0}", "training.learning_rate: input should be greater than 0, received 0"),
        ("training: {learning_rate: .nan}", "training.learning_rate: input should be a finite number, received nan"),
        ("loss: {mask_weight: .inf}", "loss.mask_weight: input should be a finite number, received inf"),
        ("loss: {mask_weight: -1}", "loss.mask_weight: input should be greater than or equal to 0, received -1"),
        (
            "loss: {adversarial: wgan}",
            "loss.adversarial: input should be 'log', 'minmax', 'lsgan' or 'hinge', received 'wgan'",
        ),
        ("data: {image_size: [64, 66]}", "data.image_size.1: input should be a multiple of 4, received 66"),
        ("data: {image_size: [8, 64]}", "data.image_size.0: input should be greater than or equal to 16, received 8"),
        ("data: {image_size: 64}", "data.image_size: input should be a valid tuple, received 64"),
        ("data: {path: 3}", "data.path: should be a path or a URL, received 3"),
        (
            "deidentify: {train_block_size: [0.3, 0.1]}",
            "deidentify: train_block_size should be (low, high), received [0.3, 0.1]",
        ),
        ("data: {source: prepared}", "data: data.path should be given for source 'prepared'"),
        (
            "deidentify: {method: pixelate}",
            "deidentify.method: input should be 'mosaic', 'blur', 'box' or 'catalogue', received 'pixelate'",
        ),
        (
            "deidentify: {method: catalogue, weights: {mean: 1, mosiac: 1}}",
            "deidentify: weights should be of mean, sample, shrink, gaussian, box_blur, median, motion, scatter, "
            "solid, noise, received 'mosiac'",
        ),
        ("deidentify: {method: catalogue, weights: {mean: 0, solid: 0}}", "deidentify: weights should not all be 0"),
        (
            "deidentify: {weights: {mean: -1}}",
            "deidentify.weights.mean: input should be greater than or equal to 0, received -1",
        ),
        (
            "data: {image_size: [64, 96]}\ndeidentify: {method: catalogue}",
            "data.image_size should be a square for deidentify.method=catalogue, received (64, 96)",
        ),
        (
            "data: {image_size: [64, 100]}\ngenerator: {downsamplings: 3}",
            "data.image_size should be multiples of 8 for generator.downsamplings=3, received (64, 100)",
        ),
        (
            "generator: {downsamplings: 5}",
            "generator.downsamplings: input should be less than or equal to 4, received 5",
        ),
        ("data: {crop_context: 0.9}", "data.crop_context: input should be greater than or equal to 1, received 0.9"),
        ("data: {prepare: {enlarge: 0}}", "data.prepare.enlarge: input should be a valid boolean, received 0"),
        (
            "loss: {feature_weight: -1}",
            "loss.feature_weight: input should be greater than or equal to 0, received -1",
        ),
        (
            "loss: {perceptual_weight: much}",
            "loss.perceptual_weight: input should be a valid number, received 'much'",
        ),
        (
            "loss: {adversarial_fade_steps: -1}",
            "loss.adversarial_fade_steps: input should be greater than or equal to 0, received -1",
        ),
        ("training: {keep: worst}", "training.keep: input should be 'best' or 'last', received 'worst'"),
        (
            "training: {method: guessed}",
            "training.method: input should be 'paired', 'unpaired', 'unconditional' or 'locate', received 'guessed'",
        ),
        ("locator: {window: 100}", "locator.window: input should be a multiple of 32, received 100"),
        ("locator: {window: 32}", "locator.window: input should be greater than or equal to 64, received 32"),
        ("locator: {filters: 2}", "locator.filters: input should be greater than or equal to 4, received 2"),
        (
            "data: {prepare: {val_fraction: 0.5, test_fraction: 0.5}}",
            "data.prepare: val_fraction + test_fraction should be less than 1, so that there is something to train on; "
            "received 0.5 + 0.5",
        ),
    ],
)
def test_a_mistake_is_one_line_with_file_key_expected_and_received(write, text, line):
    path = write(text)
    assert mistakes(path) == [f"{path}: {line}"]


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("data: {prepare: {val_share: 0.1}}", "data.prepare.val_share", "data.prepare.val_fraction"),
        ("data: {prepare: {test_share: 0.1}}", "data.prepare.test_share", "data.prepare.test_fraction"),
        ("deidentify: {train_block: [0.1, 0.2]}", "deidentify.train_block", "deidentify.train_block_size"),
        ("deidentify: {evaluate_block: 0.2}", "deidentify.evaluate_block", "deidentify.block_size"),
        ("generator: {gates: ordinary}", "generator.gates", "generator.gate_init (open or default)"),
        ("loss: {compose: all}", "loss.compose", "loss.composite"),
    ],
)
def test_an_old_key_is_one_line_that_names_the_new_one(write, text, old, new):
    path = write(text)
    assert mistakes(path) == [f"{path}: {old}: renamed; write {new}"]


def test_every_new_name_of_an_old_key_exists():
    assert {new.partition(" ")[0] for new in RENAMED.values()} <= Config().flat().keys()


def test_a_section_that_is_no_section_is_named(write):
    path = write("training: fast\ndata:\n")
    training, data = sorted(mistakes(path), reverse=True)
    assert training.startswith(f"{path}: training: input should be a valid dictionary")
    assert training.endswith("received 'fast'")
    assert data.startswith(f"{path}: data: ") and data.endswith("received None")


def test_all_mistakes_are_reported_at_once(write):
    path = write("training: {epochs: 0, speed: 3}\nloss: {distance: l2}\ndata: {image_size: [63, 65]}\n")
    assert sorted(line.split(": ")[1] for line in mistakes(path)) == [
        "data.image_size.0",
        "data.image_size.1",
        "loss.distance",
        "training.epochs",
        "training.speed",
    ]


def test_a_mistake_names_where_it_was_written_last(write):
    base = write("training: {epochs: 0, batch_size: 0, seed: -1}\n", "base.yaml")
    own = write("extends: base.yaml\ntraining: {batch_size: -4}\n")
    lines = mistakes(own, "training.pool=-2", "loss.distance=l2")
    origins = {line.split(": ")[1]: line.split(": ")[0] for line in lines}
    assert origins == {
        "training.epochs": str(base),
        "training.seed": str(base),
        "training.batch_size": str(own),
        "training.pool": "the command line",
        "loss.distance": "the command line",
    }


def test_every_method_of_the_catalogue_may_have_a_weight(write):
    weights = dict.fromkeys(METHODS, 0.5)
    config = load_config(write(yaml.dump({"deidentify": {"method": "catalogue", "weights": weights}})))
    assert config.deidentify.weights == weights
    assert load_config(write("deidentify: {method: catalogue}")).deidentify.weights == {}


def test_an_override_mends_a_mistake_of_the_file(write):
    assert load_config(write("training: {epochs: 0}"), ["training.epochs=4"]).training.epochs == 4


def test_extends_merges_section_by_section_relative_to_the_file(write):
    write("name: base\ntraining: {epochs: 5, batch_size: 2}\ngenerator: {filters: 8}\n", "base.yaml")
    write("extends: ../base.yaml\ntraining: {epochs: 6}\n", "nested/middle.yaml")
    config = load_config(write("extends: nested/middle.yaml\nname: own\ngenerator: {blocks: 2}\n"))
    assert (config.name, config.training.epochs, config.training.batch_size) == ("own", 6, 2)
    assert (config.generator.filters, config.generator.blocks) == (8, 2)


def test_overrides_win_and_the_last_one_most(write):
    words = ["training.epochs=3", "training.epochs=7", "data.image_size=[32,48]", "name=a=b", "data.path=null"]
    config = load_config(write("training: {epochs: 5, batch_size: 2}\ndata: {path: somewhere}"), words)
    assert (config.training.epochs, config.training.batch_size) == (7, 2)
    assert (config.data.image_size, config.name, config.data.path) == ((32, 48), "a=b", None)


@pytest.mark.parametrize("text", ["2e-4", "2.0e-4", "0.0002", "+2E-4", ".0002"])
def test_numbers_as_people_write_them_are_numbers(write, text):
    assert load_config(write(f"training: {{learning_rate: {text}}}")).training.learning_rate == 2e-4
    assert load_config(write(""), [f"training.learning_rate={text}"]).training.learning_rate == 2e-4


@pytest.mark.parametrize("word", ["training.epochs", "=3", "epochs 3"])
def test_an_override_that_is_no_key_and_value_is_a_mistake(write, word):
    assert mistakes(write(""), word) == [
        f"{word!r} on the command line: expected key=value, for instance training.epochs=3"
    ]


def test_an_override_that_is_no_yaml_is_a_mistake(write):
    assert mistakes(write(""), "data.image_size=[32,") == [
        "'data.image_size=[32,' on the command line: the value is not readable as YAML"
    ]


def test_an_override_below_a_value_is_a_mistake_of_the_value(write):
    (line,) = mistakes(write(""), "training.epochs.first=3")
    assert line == "the command line: training.epochs: input should be a valid integer, received {'first': 3}"


def test_files_that_extend_each_other_are_a_mistake(write):
    write("extends: own.yaml", "other.yaml")
    (line,) = mistakes(write("extends: other.yaml"))
    assert line.endswith("own.yaml: extends itself")


def test_a_long_row_of_files_that_extend_each_other_is_a_mistake(write):
    for number in range(25):
        write(f"extends: {number + 1}.yaml", f"{number}.yaml")
    (line,) = mistakes(write("extends: 0.yaml"))
    assert line.endswith("more than 20 files that extend each other")


def test_a_file_may_be_extended_by_two(write):
    write("training: {epochs: 5}", "base.yaml")
    assert load_config(write("extends: base.yaml", "one.yaml")) == load_config(write("extends: base.yaml", "two.yaml"))


def test_a_missing_file_is_a_mistake(tmp_path, write):
    missing = tmp_path / "missing.yaml"
    assert mistakes(missing) == [f"{missing}: cannot be read as a configuration: No such file or directory"]
    assert mistakes(write("extends: missing.yaml")) == [
        f"{missing}: cannot be read as a configuration: No such file or directory"
    ]
    assert mistakes(tmp_path) == [f"{tmp_path}: cannot be read as a configuration: Is a directory"]


def test_bytes_that_are_no_text_are_a_mistake(tmp_path):
    path = tmp_path / "picture.yaml"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    assert mistakes(path) == [f"{path}: cannot be read as a configuration: not UTF-8 text"]


def test_broken_yaml_is_a_mistake_with_its_line(write):
    path = write("name: mine\ntraining: {epochs: 3\nloss: {}\n")
    (line,) = mistakes(path)
    assert re.fullmatch(rf"{re.escape(str(path))}, line [23]: not readable as YAML: .+", line)


@pytest.mark.parametrize("text", ["- training\n- loss\n", "[]", "3", "training", "false"])
def test_a_file_without_keys_is_a_mistake(write, text):
    path = write(text)
    assert mistakes(path) == [f"{path}: is not a configuration: expected keys and values"]


def test_extending_a_file_that_is_no_configuration_does_not_show_it(write):
    write("api token 8f2c\nhunter2\n", "secret.txt")
    (line,) = mistakes(write("extends: secret.txt"))
    assert line.endswith("secret.txt: is not a configuration: expected keys and values")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("training: &all {epochs: *all}", "line 1: not readable as YAML: aliases"),
        ("&all\ndata: {synthetic: *all}", "line 2: not readable as YAML: aliases"),
        (
            "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{p}, *{p}]\n" for p, n in zip("abcdef", "bcdefg", strict=True)),
            "line 2: not readable as YAML: aliases",
        ),
        ("base: &base {epochs: 3}\ntraining: {<<: *base}", "line 2: not readable as YAML: aliases"),
        ("[" * 50_000, "line 1: not readable as YAML: more than 20 levels of nesting"),
        ("{a: " * 20_000, "line 1: not readable as YAML: more than 20 levels of nesting"),
        ("\n".join("  " * depth + "a:" for depth in range(300)), "not readable as YAML: more than 20 levels"),
        ("name: 2026-99-99", "not readable as YAML: a value that is not what its form says"),
        ("training: {epochs: " + "9" * 5000 + "}", "not readable as YAML: a value that is not what its form says"),
        ("name: !!int ''", "not readable as YAML: a value that is not what its form says"),
        ("name: !!python/object/apply:os.system [ls]", "not readable as YAML: could not determine a constructor"),
        ("name: \0", "not readable as YAML: special characters are not allowed"),
        ("name: " + "x" * 100_000, "is not a configuration: larger than 100000 bytes"),
        ('extends: "\\0"', "extends: expected the name of a file, received '\\x00'"),
        ('"a\\nb": 3', "'a\\nb': unknown key"),
        ("1: 2", "1: "),
        ("training: {epochs: [" + "1, " * 2000 + "]}", "training.epochs: input should be a valid integer, received [1"),
    ],
    ids=lambda value: value[:30],
)
def test_a_hostile_file_is_one_short_line(write, text, problem):
    path = write(text)
    (line,) = mistakes(path)
    assert line.startswith(str(path)) and problem in line
    assert len(line) < len(str(path)) + 250


def test_a_configuration_without_end_is_not_read(write):
    (line,) = mistakes(write("extends: /dev/zero"))
    assert line == "/dev/zero: is not a configuration: larger than 100000 bytes"


@pytest.mark.parametrize("word", ["a." * 5000 + "b=1", "training.epochs=" + "[" * 5000, "training=&a [*a]"])
def test_a_hostile_override_is_one_short_line(write, word):
    (line,) = mistakes(write(""), word)
    assert "on the command line" in line and len(line) < 6000


def test_extends_takes_one_name(write):
    path = write("extends: [a.yaml, b.yaml]")
    assert mistakes(path) == [f"{path}: extends: expected the name of a file, received ['a.yaml', 'b.yaml']"]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_presets_load_and_survive_saving(preset, tmp_path):
    config = load_config(preset)
    config.save(tmp_path / "saved.yaml")
    assert load_config(tmp_path / "saved.yaml") == config
    assert [path.name for path in tmp_path.iterdir()] == ["saved.yaml"]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_presets_are_named_like_their_files_and_say_what_they_are_for(preset):
    assert load_config(preset).name == preset.stem
    assert preset.read_text(encoding="utf-8").startswith("# ")


def test_what_is_saved_is_complete(tmp_path):
    Config().save(tmp_path / "saved.yaml")
    saved = yaml.safe_load((tmp_path / "saved.yaml").read_text())
    assert saved == Config().model_dump(mode="json")
    assert saved["training"]["discriminator_learning_rate"] is None


@given(
    name=st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))),
    path=st.from_regex(r"[0-9][0-9e.:_-]*", fullmatch=True),
    rate=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    size=st.tuples(*[st.integers(4, 10_000).map(lambda quarter: 4 * quarter)] * 2),
)
def test_saving_and_loading_returns_the_same(tmp_path_factory, name, path, rate, size):
    data = {"image_size": size, "path": Path(path)}
    config = Config(name=name, data=data, training={"learning_rate": rate})
    saved = tmp_path_factory.getbasetemp() / "config.yaml"
    config.save(saved)
    assert load_config(saved) == config


def test_the_configuration_does_not_change_after_loading():
    config = Config()
    with pytest.raises(pydantic.ValidationError):
        config.name = "other"
    with pytest.raises(pydantic.ValidationError):
        config.training.epochs = 3
    with pytest.raises(pydantic.ValidationError):
        DataConfig().path = Path("elsewhere")
