import copy

from keras_deid.evaluation.table import further_table, group_table, input_name, table


def means(psnr_mask, faces_found):
    return {
        "psnr_mask": psnr_mask,
        "ssim_mask": 0.61234,
        "psnr_outside": 100.0,
        "psnr": 31.456,
        "ssim": 0.95,
        "l1": 0.00123,
        "faces_found": faces_found,
    }


FIGURES = {
    "split": "test",
    "images": 210,
    "inputs": {"mosaic": means(19.2, 0.0), "bilinear": means(19.9, 0.5), "bicubic": means(20.6, 0.655)},
    "restored": means(21.84, 0.9),
    "original": {"faces_found": 1.0},
    "intervals": {"restored": {"psnr_mask": [21.5, 22.1]}},
}


def test_the_table():
    assert table(FIGURES).splitlines() == [
        "test split, 210 pictures",
        "              in the mask     outside        whole picture         faces",
        "            PSNR dB     SSIM  PSNR dB  PSNR dB     SSIM       L1    found",
        "original          -        -        -        -        -        -   100.0%",
        "mosaic        19.20   0.6123   100.00    31.46   0.9500   0.0012     0.0%",
        "bilinear      19.90   0.6123   100.00    31.46   0.9500   0.0012    50.0%",
        "bicubic       20.60   0.6123   100.00    31.46   0.9500   0.0012    65.5%",
        "restored      21.84   0.6123   100.00    31.46   0.9500   0.0012    90.0%",
        "restored, in the mask: 21.84 dB (95 % interval 21.50 to 22.10), 1.24 dB above bicubic enlargement of the "
        "block means",
    ]


def test_a_failure_is_said_plainly():
    figures = copy.deepcopy(FIGURES)
    figures["restored"]["psnr_mask"] = 20.0
    assert table(figures).endswith("0.60 dB below bicubic enlargement of the block means")


def test_the_input_is_called_by_its_method():
    figures = copy.deepcopy(FIGURES)
    figures["inputs"] = {"mosaic": means(19.2, 0.0)}
    figures["settings"] = {"deidentify": {"method": "blur"}}
    lines = table(figures).splitlines()
    assert lines[4].startswith("blur          19.20")
    assert lines[-1].endswith("2.64 dB above the blur itself")


def test_the_input_of_pairs_has_no_method():
    assert input_name({"settings": {"deidentify": None}}) == "input"
    assert input_name(FIGURES) == "mosaic"


def test_scores_that_do_not_exist_are_dashes():
    figures = copy.deepcopy(FIGURES)
    figures["images"] = 1
    for source in (*figures["inputs"].values(), figures["restored"]):
        source.update(psnr_mask=None, ssim_mask=None, faces_found=None)
    lines = table(figures).splitlines()
    assert lines[0] == "test split, 1 picture"
    assert lines[-1] == "restored          -        -   100.00    31.46   0.9500   0.0012        -"


def further(**extra):
    figures = copy.deepcopy(FIGURES)
    for source in (*figures["inputs"].values(), figures["restored"]):
        source.update(psnr_box=25.0, ssim_box=0.75, l1_box=0.02, l1_mask=0.04, ms_ssim=None, **extra)
    return figures


def test_the_further_table_has_what_there_is():
    assert further_table(further()).splitlines() == [
        "in the face's box with context (L1 mask: in the mask; MS-SSIM, LPIPS, FID, KID: whole picture)",
        "            PSNR dB     SSIM       L1  L1 mask",
        "mosaic        25.00   0.7500   0.0200   0.0400",
        "bilinear      25.00   0.7500   0.0200   0.0400",
        "bicubic       25.00   0.7500   0.0200   0.0400",
        "restored      25.00   0.7500   0.0200   0.0400",
        "no MS-SSIM: its five scales need pictures of at least 161 px",
    ]
    figures = further(lpips=0.125, fid=31.5)
    figures["restored"]["ms_ssim"] = 0.9
    lines = further_table(figures).splitlines()
    assert lines[1].endswith("L1 mask  MS-SSIM    LPIPS      FID")
    assert lines[-1] == "restored      25.00   0.7500   0.0200   0.0400   0.9000   0.1250    31.50"


def test_the_table_of_groups():
    figures = further()
    thirds = [
        {"low": 12.0, "high": 20.25, "images": 62, "inputs": {"mosaic": further()["inputs"]["mosaic"]}},
        {"low": 21.0, "high": 21.0, "images": 61, "inputs": {}},
    ]
    of_all = {"restored": figures["restored"], "original": {"faces_found": 1.0}}
    figures["groups"] = {"face_width": [{**third, **of_all} for third in thirds], "block": []}
    assert group_table(figures).splitlines() == [
        "by width of the face, px (pictures)   mask dB     SSIM   box dB   out dB    found",
        "12.0 to 20.2 (62)         original          -        -        -        -   100.0%",
        "                          mosaic        19.20   0.6123    25.00   100.00     0.0%",
        "                          restored      21.84   0.6123    25.00   100.00    90.0%",
        "21.0 (61)                 original          -        -        -        -   100.0%",
        "                          restored      21.84   0.6123    25.00   100.00    90.0%",
    ]
