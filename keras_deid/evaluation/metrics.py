"""The registry of metrics: what each is called, its unit, how it is written, and which way is better.

A new metric needs a line in `_FAMILIES`, its names in `METRICS`, and the code that computes it. Tables, plots, the
comparison and its CSV read everything else from here.
"""

from __future__ import annotations

from dataclasses import dataclass

# What the verdicts and the order of the comparison are about.
PRIMARY = "psnr_mask"
# The decisive ones, in the order of a table's columns; all others follow in their own order.
DECISIVE = (PRIMARY, "ssim_mask", "faces_found", "psnr_outside")

# Of a picture against its original, computed for every source but the original; see `image_quality`.
METRICS = (
    "psnr_mask",
    "ssim_mask",
    "psnr_outside",
    "psnr",
    "ssim",
    "l1",
    "l1_mask",
    "psnr_box",
    "ssim_box",
    "l1_box",
    "ms_ssim",
)
ALL_METRICS = (*METRICS, "faces_found")
# Of whole sets of pictures: one number, to which no picture has a value of its own.
SET_METRICS = ("fid", "kid")
# Computed by networks that are downloaded, on request.
LEARNED_METRICS = ("lpips", *SET_METRICS)
# Reported for each group of pictures.
GROUP_METRICS = ("psnr_mask", "ssim_mask", "l1_mask", "psnr_box", "ssim_box", "psnr_outside", "faces_found")

# Name of a family of metrics: label, unit, format of its numbers, whether more is better.
_FAMILIES = {
    "psnr": ("PSNR", "dB", ".2f", True),
    "ssim": ("SSIM", "", ".4f", True),
    "ms_ssim": ("MS-SSIM", "", ".4f", True),
    "l1": ("L1", "", ".4f", False),
    "lpips": ("LPIPS", "", ".4f", False),
    "fid": ("FID", "", ".2f", False),
    "kid": ("KID", "", ".5f", False),
    "faces_found": ("faces found", "", ".1%", True),
}
_REGIONS = {"mask": "in the mask", "box": "in its box", "outside": "outside the mask"}
# Always of whole pictures: no region is named.
_WITHOUT_REGION = ("fid", "kid", "faces_found")


@dataclass(frozen=True)
class Metric:
    """A metric as tables and plots show it.

    Attributes:
        name: as in `evaluation.json` and `evaluation.csv`.
        label: of its family, such as "PSNR".
        region: in words, such as "in the mask"; may be empty.
        unit: "dB" or nothing.
        form: of its values, as `format` takes it.
        higher_is_better: None for an unknown metric, which is shown and never ranked.
    """

    name: str
    label: str
    region: str
    unit: str
    form: str
    higher_is_better: bool | None

    @classmethod
    def of(cls, name: str) -> Metric:
        """Reads a name: a family ("psnr"), and the region that it is taken over ("psnr_mask")."""
        for family in sorted(_FAMILIES, key=len, reverse=True):
            if name == family or name.startswith(f"{family}_"):
                label, unit, form, higher_is_better = _FAMILIES[family]
                return cls(name, label, _region(family, name.removeprefix(family)[1:]), unit, form, higher_is_better)
        return cls(name, name.replace("_", " "), "", "", ".4g", None)

    @property
    def rank(self) -> int:
        """Where its column stands: the decisive ones come first."""
        return DECISIVE.index(self.name) if self.name in DECISIVE else len(DECISIVE)

    @property
    def words(self) -> str:
        """Label and region, such as "PSNR in the mask"."""
        return f"{self.label} {self.region}".strip()

    @property
    def heading(self) -> str:
        """Stands above its column: words and unit."""
        return f"{self.words}, {self.unit}" if self.unit else self.words

    @property
    def short_heading(self) -> str:
        """Stands above a narrow column, in two lines: the region's own name, then label and unit."""
        if not self.region:
            return self.label.replace(" ", "\n")
        where = next((name for name, words in _REGIONS.items() if words == self.region), self.region)
        return f"{where}\n{self.label} {self.unit}".rstrip()

    def written(self, value: float | None) -> str:
        """Writes a value, such as "22.13" or "96.2%"; "-" where there is none."""
        return "-" if value is None else format(value, self.form)


def _region(family: str, region: str) -> str:
    if not region:
        return "" if family in _WITHOUT_REGION else "overall"
    return _REGIONS.get(region, region.replace("_", " "))
