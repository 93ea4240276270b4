import pytest

from keras_deid.evaluation.metrics import Metric


@pytest.mark.parametrize(
    ("name", "heading", "form", "higher_is_better"),
    [
        ("psnr_mask", "PSNR in the mask, dB", ".2f", True),
        ("psnr", "PSNR overall, dB", ".2f", True),
        ("psnr_box", "PSNR in its box, dB", ".2f", True),
        ("psnr_outside", "PSNR outside the mask, dB", ".2f", True),
        ("ms_ssim", "MS-SSIM overall", ".4f", True),
        ("l1", "L1 overall", ".4f", False),
        ("lpips_box", "LPIPS in its box", ".4f", False),
        ("fid", "FID", ".2f", False),
        ("faces_found", "faces found", ".1%", True),
        ("lpips_left_eye", "LPIPS left eye", ".4f", False),
        ("charm_of_smile", "charm of smile", ".4g", None),
        ("psnrish", "psnrish", ".4g", None),
    ],
)
def test_a_metric_is_told_by_its_name(name, heading, form, higher_is_better):
    metric = Metric.of(name)
    assert (metric.name, metric.heading, metric.form, metric.higher_is_better) == (
        name,
        heading,
        form,
        higher_is_better,
    )


def test_values_are_written_as_their_metric_wants():
    assert [Metric.of(name).written(0.98765) for name in ("psnr", "ssim", "l1", "faces_found", "charm")] == [
        "0.99",
        "0.9877",
        "0.9877",
        "98.8%",
        "0.9877",
    ]


def test_narrow_columns_have_headings_of_two_lines():
    names = ("psnr_mask", "ssim", "l1_box", "faces_found", "fid")
    assert [Metric.of(name).short_heading for name in names] == [
        "mask\nPSNR dB",
        "overall\nSSIM",
        "box\nL1",
        "faces\nfound",
        "FID",
    ]
