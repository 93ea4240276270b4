import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.data.boxes_csv import read_boxes_csv
from keras_deid.errors import UserError


def write(path, text):
    path.write_bytes(text.encode())
    return path


def test_read_boxes_csv(tmp_path):
    text = 'path,x0,y0,x1,y1\na.jpg,1,2,3.5,4\n\n"b, c.jpg", 10 ,20,30,4e1\na.jpg,5,6,7,8\n'
    listed = read_boxes_csv(write(tmp_path / "boxes.csv", text))
    assert listed == {
        "a.jpg": [(2, (1, 2, 3.5, 4)), (5, (5, 6, 7, 8))],
        "b, c.jpg": [(4, (10, 20, 30, 40))],
    }


def test_columns_in_any_order_as_spreadsheets_write_them(tmp_path):
    text = "\ufeffx0,x1,y0,y1,path\r\n1,3,2,4,street\\a.jpg\r\n"
    assert read_boxes_csv(write(tmp_path / "boxes.csv", text)) == {"street\\a.jpg": [(2, (1, 2, 3, 4))]}


def test_other_columns_are_not_used(tmp_path):
    text = "path,label,x0,y0,x1,y1,score,größe\na.jpg,face,1,2,3,4,0.9,x\n"
    assert read_boxes_csv(write(tmp_path / "boxes.csv", text)) == {"a.jpg": [(2, (1, 2, 3, 4))]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected a first line path,x0,y0,x1,y1"),
        ("path,x,y,w,h\na.jpg,1,2,3,4\n", r":1: expected the columns path,x0,y0,x1,y1; received path,x,y,w,h"),
        ("path,x0,y0,x1\na.jpg,1,2,3\n", ":1: expected the columns"),
        ("path,x0,y0,x1,y1,y1\na.jpg,1,2,3,4,4\n", ":1: expected the columns"),
        ("path,x0,y0,x1,y1\na.jpg,1,2,3\n", ":2: expected 5 fields .*; received 4"),
        ("path,x0,y0,x1,y1\na.jpg,1,2,3,4\nb.jpg,1,two,3,4\n", ":3: expected a number of pixels in y0; received 'two'"),
        ("path,x0,y0,x1,y1\na.jpg,1,2,3,\n", ":2: expected a number of pixels in y1; received ''"),
        ("path,x0,y0,x1,y1\na.jpg,nan,2,3,4\n", ":2: expected a number of pixels in x0; received 'nan'"),
        ("path,x0,y0,x1,y1\na.jpg,1,2,inf,4\n", ":2: expected a number of pixels in x1; received 'inf'"),
        ("path,x0,y0,x1,y1\na.jpg,1,2,1e308,4\n", ":2: expected a number of pixels in x1; received '1e308'"),
        ("path,x0,y0,x1,y1\na.jpg,-2e9,2,3,4\n", ":2: expected a number of pixels in x0; received '-2e9'"),
        ("path,x0,y0,x1,y1\na.jpg,3,2,1,4\n", ":2: expected x0 < x1 and y0 < y1; received 3,2,1,4"),
        ("path,x0,y0,x1,y1\na.jpg,1,2,3,2\n", ":2: expected x0 < x1 and y0 < y1"),
        ("path,x0,y0,x1,y1\n,1,2,3,4\n", ":2: the path is empty"),
        ('path,x0,y0,x1,y1\n"a.jpg,1,2,3,4\n', ":2: is not valid CSV"),
    ],
)
def test_mistakes_in_boxes_csv_are_named(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        read_boxes_csv(write(tmp_path / "boxes.csv", text))
    assert "\n" not in str(caught.value)


def test_boxes_csv_that_is_no_text(tmp_path):
    (tmp_path / "boxes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not UTF-8"):
        read_boxes_csv(tmp_path / "boxes.csv")


def test_boxes_csv_that_is_missing(tmp_path):
    with pytest.raises(UserError, match="boxes.csv: cannot be read .*No such file"):
        read_boxes_csv(tmp_path / "boxes.csv")
    with pytest.raises(UserError, match="cannot be read"):
        read_boxes_csv(tmp_path)


@given(st.text())
def test_boxes_csv_of_anything_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "boxes.csv"
    path.write_bytes(("path,x0,y0,x1,y1\n" + text).encode("utf-8", "surrogatepass"))
    try:
        read_boxes_csv(path)
    except UserError:
        pass
