"""What a metric is called, how it is written and which way is better: all told from its name in `evaluation.json`."""

from __future__ import annotations

from dataclasses import dataclass

# What the verdicts and the order of the table are about.
PRIMARY = "psnr_mask"
# What decides, in the order that a table shows it in; everything else follows in its own order.
DECISIVE = (PRIMARY, "ssim_mask", "faces_found", "psnr_outside")

# Name of a family of metrics: how people call it, its unit, how its numbers are written, whether more is better.
_FAMILIES = {
    "psnr": ("PSNR", "dB", ".2f", True),
    "ssim": ("SSIM", "", ".3f", True),
    "ms_ssim": ("MS-SSIM", "", ".3f", True),
    "l1": ("L1", "", ".4f", False),
    "lpips": ("LPIPS", "", ".3f", False),
    "fid": ("FID", "", ".1f", False),
    "kid": ("KID", "", ".4f", False),
    "faces_found": ("faces found", "", ".1%", True),
}
_REGIONS = {"mask": "in the mask", "box": "in its box", "outside": "outside the mask"}
# These are about a picture as a whole by their nature: nothing has to be said.
_WITHOUT_REGION = ("fid", "kid", "faces_found")


@dataclass(frozen=True)
class Metric:
    """A metric as a table shows it.

    Attributes:
        name: as in `evaluation.json` and `evaluation.csv`.
        words: what it is called.
        unit: "dB" or nothing.
        form: of its values, as `format` takes it.
        higher_is_better: None for a metric that this code has not heard of, which is shown and never ranked.
    """

    name: str
    words: str
    unit: str
    form: str
    higher_is_better: bool | None

    @classmethod
    def of(cls, name: str) -> Metric:
        """Reads a name: a family ("psnr"), and the region that it is taken over ("psnr_mask")."""
        for family in sorted(_FAMILIES, key=len, reverse=True):
            if name == family or name.startswith(f"{family}_"):
                words, unit, form, higher_is_better = _FAMILIES[family]
                where = _where(family, name.removeprefix(family)[1:])
                return cls(name, f"{words} {where}".strip(), unit, form, higher_is_better)
        return cls(name, name.replace("_", " "), "", ".4g", None)

    @property
    def rank(self) -> int:
        """Where its column stands: those that decide come first."""
        return DECISIVE.index(self.name) if self.name in DECISIVE else len(DECISIVE)

    @property
    def heading(self) -> str:
        """What stands above its column."""
        return f"{self.words}, {self.unit}" if self.unit else self.words

    def written(self, value: float) -> str:
        """Writes a value, such as "22.13" or "96.2%"."""
        return format(value, self.form)


def _where(family: str, region: str) -> str:
    if not region:
        return "" if family in _WITHOUT_REGION else "overall"
    return _REGIONS.get(region, region.replace("_", " "))
