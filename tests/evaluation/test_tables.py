import copy

from keras_deid.evaluation.evaluation_file import input_name
from keras_deid.evaluation.tables import further_table, group_table, metrics_table


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


EVALUATION = {
    "split": "test",
    "images": 210,
    "baselines": {"input": means(19.2, 0.0), "bilinear": means(19.9, 0.5), "bicubic": means(20.6, 0.655)},
    "restored": means(21.84, 0.9),
    "original": {"faces_found": 1.0},
    "intervals": {"restored": {"psnr_mask": [21.5, 22.1]}},
}


def test_the_table():
    assert metrics_table(EVALUATION).splitlines() == [
        "test split, 210 pictures",
        "               mask    mask    outside    overall    overall    overall    faces",
        "            PSNR dB    SSIM    PSNR dB    PSNR dB       SSIM         L1    found",
        "original          -       -          -          -          -          -   100.0%",
        "mosaic        19.20  0.6123     100.00      31.46     0.9500     0.0012     0.0%",
        "bilinear      19.90  0.6123     100.00      31.46     0.9500     0.0012    50.0%",
        "bicubic       20.60  0.6123     100.00      31.46     0.9500     0.0012    65.5%",
        "restored      21.84  0.6123     100.00      31.46     0.9500     0.0012    90.0%",
        "restored, in the mask: 21.84 dB (95 % interval 21.50 to 22.10), 1.24 dB above bicubic enlargement of the "
        "block means",
    ]


def test_a_failure_is_said_plainly():
    evaluation = copy.deepcopy(EVALUATION)
    evaluation["restored"]["psnr_mask"] = 20.0
    assert metrics_table(evaluation).endswith("0.60 dB below bicubic enlargement of the block means")


def test_the_input_is_called_by_its_method():
    evaluation = copy.deepcopy(EVALUATION)
    evaluation["baselines"] = {"input": means(19.2, 0.0)}
    evaluation["settings"] = {"deidentify": {"method": "blur"}}
    lines = metrics_table(evaluation).splitlines()
    assert lines[4].startswith("blur          19.20")
    assert lines[-1].endswith("2.64 dB above the blur itself")


def test_the_input_of_pairs_has_no_method():
    assert input_name({"settings": {"deidentify": None}}) == "input"
    assert input_name(EVALUATION) == "mosaic"


def test_scores_that_do_not_exist_are_dashes():
    evaluation = copy.deepcopy(EVALUATION)
    evaluation["images"] = 1
    for source in (*evaluation["baselines"].values(), evaluation["restored"]):
        source.update(psnr_mask=None, ssim_mask=None, faces_found=None)
    lines = metrics_table(evaluation).splitlines()
    assert lines[0] == "test split, 1 picture"
    assert lines[-1] == "restored          -       -     100.00      31.46     0.9500     0.0012        -"


def further(**extra):
    evaluation = copy.deepcopy(EVALUATION)
    for source in (*evaluation["baselines"].values(), evaluation["restored"]):
        source.update(psnr_box=25.0, ssim_box=0.75, l1_box=0.02, l1_mask=0.04, ms_ssim=None, **extra)
    return evaluation


def test_the_further_table_has_what_there_is():
    assert further_table(further()).splitlines() == [
        "box: the face's box with context; overall: the whole picture",
        "                box     box     box    mask",
        "            PSNR dB    SSIM      L1      L1",
        "mosaic        25.00  0.7500  0.0200  0.0400",
        "bilinear      25.00  0.7500  0.0200  0.0400",
        "bicubic       25.00  0.7500  0.0200  0.0400",
        "restored      25.00  0.7500  0.0200  0.0400",
        "no MS-SSIM: its five scales need pictures of at least 161 px",
    ]
    evaluation = further(lpips=0.125, fid=31.5)
    evaluation["restored"]["ms_ssim"] = 0.9
    lines = further_table(evaluation).splitlines()
    assert lines[1].split() == ["box", "box", "box", "mask", "overall", "overall"]
    assert lines[2].split() == ["PSNR", "dB", "SSIM", "L1", "L1", "MS-SSIM", "LPIPS", "FID"]
    assert lines[-1].split() == ["restored", "25.00", "0.7500", "0.0200", "0.0400", "0.9000", "0.1250", "31.50"]


def test_the_table_of_groups():
    evaluation = further()
    thirds = [
        {"low": 12.0, "high": 20.25, "images": 62, "baselines": {"input": further()["baselines"]["input"]}},
        {"low": 21.0, "high": 21.0, "images": 61, "baselines": {}},
    ]
    of_all = {"restored": evaluation["restored"], "original": {"faces_found": 1.0}}
    evaluation["groups"] = {"face_width": [{**third, **of_all} for third in thirds], "block": []}
    assert group_table(evaluation).splitlines() == [
        "                                                      mask    mask        box    outside    faces",
        "by width of the face, px (pictures)                PSNR dB    SSIM    PSNR dB    PSNR dB    found",
        "12.0 to 20.2 (62)                      original          -       -          -          -   100.0%",
        "                                       mosaic        19.20  0.6123      25.00     100.00     0.0%",
        "                                       restored      21.84  0.6123      25.00     100.00    90.0%",
        "21.0 (61)                              original          -       -          -          -   100.0%",
        "                                       restored      21.84  0.6123      25.00     100.00    90.0%",
    ]
