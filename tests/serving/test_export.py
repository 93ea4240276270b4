"""The statements about an exported model, by number where docs/serving.md lists them."""

import filecmp
import io
import json
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_deid.config import Config, load_config
from keras_deid.data.images import read_image
from keras_deid.errors import UserError
from keras_deid.evaluation.scoring import restore
from keras_deid.models.dcgan import dcgan_generator
from keras_deid.models.latent_search import latent_search
from keras_deid.serving import export as export_module
from keras_deid.serving.export import export, versions
from keras_deid.serving.graph.bombs import PIXEL_LIMIT
from keras_deid.serving.regions import DEFAULT_CONTEXT, cut_out, part_around, put_back
from keras_deid.serving.signatures import BOX_LIMIT, SIGNATURES
from keras_deid.serving.warmup import BATCHES, WARMUP_FILE
from keras_deid.workplace import workplace

from .conftest import HEIGHT, WIDTH, as_strings, decode, encode
from .hostile import gif, gif_frame, png


def restore_bytes(signatures, *contents):
    return signatures["serve_bytes"](image_bytes=tf.constant(contents, tf.string))["restored_bytes"].numpy()


# 1 ... ----------------------------------------------------------------------------------------------------------------


def test_1_signatures_names_dtypes_and_shapes(saved):
    def of(infos):
        return {
            key: (tf.dtypes.as_dtype(info.dtype).name, [dim.size for dim in info.tensor_shape.dim])
            for key, info in infos.items()
        }

    offered = dict(saved.signature_def)
    assert list(saved.meta_info_def.tags) == ["serve"]
    assert set(offered.pop("__saved_model_init_op").outputs) == {"__saved_model_init_op"}
    definitions = {name: (of(one.inputs), of(one.outputs)) for name, one in offered.items()}
    sizes = [-1, HEIGHT, WIDTH, 3]
    assert definitions == {
        "serving_default": ({"image": ("float32", sizes)}, {"restored": ("float32", sizes)}),
        "serve_uint8": ({"image": ("uint8", sizes)}, {"restored": ("uint8", sizes)}),
        "serve_bytes": ({"image_bytes": ("string", [-1])}, {"restored_bytes": ("string", [-1])}),
        "serve_uint8_boxes": (
            {"image": ("uint8", [-1, -1, -1, 3]), "boxes": ("float32", [-1, -1, 4])},
            {"restored": ("uint8", [-1, -1, -1, 3])},
        ),
        "serve_bytes_boxes": (
            {"image_bytes": ("string", [-1]), "boxes": ("float32", [-1, -1, 4])},
            {"restored_bytes": ("string", [-1])},
        ),
    }
    assert set(definitions) == set(SIGNATURES)


def test_2_c_api_equals_the_keras_model(in_child, pictures, restore_alone):
    signed = restore_alone(pictures)
    unit = np.clip((signed + 1) / 2, 0, 1)
    files = as_strings(*(encode(picture) for picture in pictures))
    floats, bytes_, contents = in_child(
        ("serving_default", np.float32(pictures) / 255), ("serve_uint8", pictures), ("serve_bytes", files)
    )
    np.testing.assert_allclose(floats, unit, atol=1e-5)
    np.testing.assert_allclose(np.float32(bytes_), unit * 255, atol=1)
    np.testing.assert_array_equal([decode(content) for content in contents], bytes_)
    assert np.abs(unit - np.float32(pictures) / 255).mean() > 0.05  # not the identity


def test_3_weights_are_stored_once(model, generator):
    reader = tf.train.load_checkpoint(str(model / "variables" / "variables"))
    shapes = {name: shape for name, shape in reader.get_variable_to_shape_map().items() if "OBJECT_GRAPH" not in name}
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == generator.count_params()
    assert {str(reader.get_variable_to_dtype_map()[name].name) for name in shapes} == {"float32"}
    assert all(re.fullmatch(r"generator_variables/\d+/\.ATTRIBUTES/VARIABLE_VALUE", name) for name in shapes)


def test_4_nothing_that_a_server_refuses(saved, model):
    functions = saved.graph_def.library.function
    assert not {key for function in functions for key in function.attr if "XlaMustCompile" in key}
    nodes = [*saved.graph_def.node, *(node for function in functions for node in function.node_def)]
    assert not {node.op for node in nodes if "PyFunc" in node.op}
    tool = Path(sys.executable).with_name("saved_model_cli")
    scanned = subprocess.run([tool, "scan", "--dir", model], capture_output=True, text=True, timeout=120)
    assert "does not contain the default denylisted ops" in scanned.stdout, scanned.stderr[-2000:]


def test_5_bad_tensors_are_errors_and_never_an_abort(in_child, pictures):
    shapes = [
        (),
        (3,),
        (HEIGHT, WIDTH, 3),
        (1, 1, HEIGHT, WIDTH, 3),
        (1, HEIGHT, WIDTH, 1),
        (1, HEIGHT, WIDTH, 4),
        (1, WIDTH, HEIGHT, 3),
        (1, HEIGHT + 4, WIDTH, 3),
        (1, 2000, 2000, 3),
        (1, 0, 0, 3),
    ]
    bad = [
        (name, np.zeros(shape, dtype))
        for shape in shapes
        for name, dtype in (("serving_default", "float32"), ("serve_uint8", "uint8"))
    ]
    bad += [("serve_bytes", np.array(encode(pictures[0]), object)), ("serve_bytes", np.full((1, 1), b"", object))]
    bad += [("serving_default", np.zeros((1, HEIGHT, WIDTH, 3), "uint8")), ("serve_bytes", np.zeros(1, "float32"))]
    *answers, good = in_child(*bad, ("serve_uint8", pictures))
    assert [type(answer) for answer in answers] == [str] * len(bad)
    assert good.shape == pictures.shape


def test_5_bad_boxes_are_errors_and_never_an_abort(in_child, pictures):
    files = as_strings(*map(encode, pictures))
    shapes = [(), (4,), (3, 4), (1, 3, 1, 4), (3, 1, 3), (3, 1, 5), (2, 1, 4), (0, 1, 4), (4, 0, 4)]
    shapes += [(3, BOX_LIMIT + 1, 4)]
    bad = [np.zeros(shape, "float32") for shape in shapes] + [np.zeros((3, 1, 4), "int32")]
    requests = [("serve_uint8_boxes", {"image": pictures, "boxes": boxes}) for boxes in bad]
    requests += [("serve_bytes_boxes", {"image_bytes": files, "boxes": boxes}) for boxes in bad]
    none = np.zeros((1, 1, 4), "float32")
    shapes = [(), (HEIGHT, WIDTH, 3), (1, HEIGHT, WIDTH), (1, HEIGHT, WIDTH, 4), (1, 1, HEIGHT, WIDTH, 3)]
    shapes += [(1, 70_000, 1, 3), (1, 1, 70_000, 3), (1, 6000, 6000, 3)]
    requests += [("serve_uint8_boxes", {"image": np.zeros(shape, "uint8"), "boxes": none}) for shape in shapes]
    requests += [("serve_bytes_boxes", {"image_bytes": np.array(files[0], object), "boxes": none})]
    requests += [("serve_bytes_boxes", {"image_bytes": as_strings(b"junk"), "boxes": none})]
    *answers, good = in_child(*requests, ("serve_uint8_boxes", {"image": pictures, "boxes": none.repeat(3, 0)}))
    assert [type(answer) for answer in answers] == [str] * len(requests)
    np.testing.assert_array_equal(good, pictures)


def test_5_bad_files_are_errors_and_never_an_abort(in_child, pictures):
    good = encode(pictures[0])
    jpeg = encode(pictures[0], "JPEG")
    bad = [
        b"",
        b"junk",
        b"\x89PNG",
        b"GIF89a",
        b"\xff\xd8\xff",
        good[:50],
        jpeg[: len(jpeg) // 3],
        encode(pictures[0], "TIFF"),
    ]
    bad += [png(60_000, 60_000), png(2**31 - 1, 2**31 - 1), png(0, 0)]
    bad += [gif(gif_frame(65_535, 65_535)), jpeg.replace(struct.pack(">HH", HEIGHT, WIDTH), b"\x80\x00" * 2)]
    answers = in_child(*(("serve_bytes", as_strings(content)) for content in bad), ("serve_bytes", as_strings(good)))
    assert [type(answer) for answer in answers[:-1]] == [str] * len(bad)
    assert decode(answers[-1][0]).shape == (HEIGHT, WIDTH, 3)
    assert PIXEL_LIMIT < 60_000**2
    assert all("too large" in answers[bad.index(content)] for content in bad[-5:-3] + bad[-2:])


@pytest.mark.parametrize("count", [0, 1, 3, 8])
def test_6_a_batch_equals_its_pictures_one_at_a_time(signatures, count):
    batch = np.random.default_rng(2).integers(0, 256, (count, HEIGHT, WIDTH, 3)).astype("uint8")
    serve = signatures["serve_uint8"]
    together = serve(image=tf.constant(batch))["restored"].numpy()
    assert together.shape == batch.shape
    for picture, restored in zip(batch, together, strict=True):
        alone = serve(image=tf.constant(picture[None]))["restored"].numpy()[0]
        np.testing.assert_allclose(np.int32(alone), restored, atol=1)
    floats = signatures["serving_default"](image=tf.constant(np.float32(batch) / 255))["restored"]
    assert floats.shape == batch.shape
    assert len(restore_bytes(signatures, *map(encode, batch))) == count


@pytest.mark.parametrize("size", [(1, 1), (16, 24), (15, 23), (64, 48), (7, 300), (300, 7)])
def test_6_a_picture_of_any_size_comes_back_in_its_size(signatures, size):
    picture = np.random.default_rng(3).integers(0, 256, (*size, 3)).astype("uint8")
    content = restore_bytes(signatures, encode(picture))[0]
    assert content.startswith(b"\x89PNG")
    assert decode(content).shape == (*size, 3)


@pytest.mark.parametrize(
    ("file_format", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "L", {}),
        ("PNG", "LA", {}),
        ("PNG", "P", {}),
        ("PNG", "1", {}),
        ("PNG", "I;16", {}),
        ("JPEG", "RGB", {"quality": 95}),
        ("JPEG", "L", {}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {"lossless": True}),
    ],
)
def test_6_files_of_many_kinds_equal_what_they_show(signatures, tmp_path, file_format, mode, options):
    ramp = np.linspace(0, 255, HEIGHT * WIDTH * 4).reshape(HEIGHT, WIDTH, 4).astype("uint8")
    image = Image.fromarray(np.uint16(ramp[..., 0]) * 257) if mode == "I;16" else Image.fromarray(ramp).convert(mode)
    image.save(tmp_path / "file", file_format, **options)
    shown = read_image(tmp_path / "file")
    if file_format == "JPEG":  # two decoders differ by a few levels, of which an untrained network makes many
        decoded = tf.io.decode_image((tmp_path / "file").read_bytes(), 3).numpy()
        np.testing.assert_allclose(np.int32(decoded), shown, atol=8)
        shown = decoded
    content = restore_bytes(signatures, (tmp_path / "file").read_bytes())[0]
    expected = signatures["serve_uint8"](image=tf.constant(shown[None]))["restored"].numpy()[0]
    np.testing.assert_array_equal(decode(content), expected)


def test_6_the_network_sees_a_picture_in_its_proportions_with_its_edge_repeated(signatures):
    low = np.random.default_rng(4).integers(0, 256, (HEIGHT // 2, WIDTH, 3)).astype("uint8")
    framed = np.pad(low, ((HEIGHT // 4, HEIGHT // 4), (0, 0), (0, 0)), mode="edge")
    expected = signatures["serve_uint8"](image=tf.constant(framed[None]))["restored"].numpy()[0]
    restored = decode(restore_bytes(signatures, encode(low))[0])
    np.testing.assert_array_equal(restored, expected[HEIGHT // 4 : -HEIGHT // 4])


def test_6_of_an_animation_the_first_frame_is_restored(signatures, pictures):
    content = io.BytesIO()
    first, *others = (Image.fromarray(picture) for picture in pictures)
    first.save(content, "GIF", save_all=True, append_images=others)
    assert decode(restore_bytes(signatures, content.getvalue())[0]).shape == (HEIGHT, WIDTH, 3)


def test_7_bytes_equal_uint8_through_the_same_codec(signatures, pictures):
    restored = signatures["serve_uint8"](image=tf.constant(pictures))["restored"]
    expected = [tf.io.encode_png(picture).numpy() for picture in restored]
    assert list(restore_bytes(signatures, *map(encode, pictures))) == expected


def test_8_warmup_requests_parse_and_run(model, signatures):
    records = list(tf.data.TFRecordDataset(str(model / WARMUP_FILE)).as_numpy_iterator())
    seen = []
    for record in records:
        request = PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "tiny"
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        (restored,) = signatures[request.model_spec.signature_name](**inputs).values()
        seen.append((request.model_spec.signature_name, int(restored.shape[0])))
    assert seen == [(name, count) for count in BATCHES for name in SIGNATURES]


def test_9_and_10_the_same_weights_give_the_same_bytes_under_the_next_version(run, base, model):
    second = export(run, base)
    assert second == base / "2"
    files = [path.relative_to(model) for path in model.rglob("*") if path.is_file()]
    assert {path.relative_to(second) for path in second.rglob("*") if path.is_file()} == set(files)
    assert [str(f) for f in files if not filecmp.cmp(model / f, second / f, shallow=False)] == ["fingerprint.pb"]
    assert sorted(path.name for path in base.iterdir()) == ["1", "2", "serving"]
    assert [path.name for path in base.parent.iterdir()] == ["tiny"]
    assert versions(base) == [1, 2]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_10_an_interrupted_export_leaves_nothing(run, tmp_path, monkeypatch, error):
    def stop(run, folder, name):
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(b"half")
        raise error

    monkeypatch.setattr(export_module, "write_saved_model", stop)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else UserError):
        export(run, tmp_path / "tiny")
    assert list(tmp_path.iterdir()) == []


def test_10_what_a_killed_export_left_is_no_hindrance(run, tmp_path, monkeypatch):
    (tmp_path / ".tiny.partial" / "model").mkdir(parents=True)
    (tmp_path / ".tiny.partial" / "model" / "old").touch()
    (tmp_path / ".tiny.partial" / "lock").touch()
    monkeypatch.setattr(export_module, "write_saved_model", write_files)
    assert export(run, tmp_path / "tiny", 7) == tmp_path / "tiny" / "7"
    assert not (tmp_path / "tiny" / "7" / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_10_a_killed_export_leaves_no_version_and_nothing_that_goes_on(run, tmp_path, monkeypatch):
    words = "from pathlib import Path; from keras_deid.serving.export import export; "
    code = f"{words}export(Path({str(run)!r}), Path('tiny'))"
    exporting = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / ".tiny.partial" / "model").exists():
        assert exporting.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{exporting.pid}/task/{exporting.pid}/children").read_text().split()
    exporting.kill()
    exporting.wait()
    assert [path.name for path in tmp_path.iterdir()] == [".tiny.partial"]
    while any(is_running(child) for child in children):
        time.sleep(0.01)
    monkeypatch.setattr(export_module, "write_saved_model", write_files)
    assert export(run, tmp_path / "tiny") == tmp_path / "tiny" / "1"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def is_running(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def write_files(run, folder, name):
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")


# Boxes ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photo():
    """Smooth, as photographs are, and neither as large nor as wide as what the network sees."""
    noise = np.random.default_rng(5).integers(0, 256, (8, 10, 3)).astype("uint8")
    return np.asarray(Image.fromarray(noise).resize((150, 90), Image.Resampling.BICUBIC))


def by_the_client(signatures, photo, boxes):
    """What `restore.py --boxes` makes of a picture with the model alone."""
    parts = [part_around(tuple(box), DEFAULT_CONTEXT, photo.shape[:2], (HEIGHT, WIDTH)) for box in boxes]
    seen = np.stack([cut_out(photo, part, (HEIGHT, WIDTH)) for part in parts])
    restored = signatures["serve_uint8"](image=tf.constant(seen))["restored"].numpy()
    return put_back(photo, parts, list(restored))


def restore_boxes(signatures, image, boxes):
    tensors = {"image": tf.constant(image), "boxes": tf.constant(boxes, tf.float32)}
    return signatures["serve_uint8_boxes"](**tensors)["restored"].numpy()


@pytest.mark.parametrize(
    "boxes",
    [
        [(40, 20, 70, 60)],
        [(40.25, 20.75, 70.5, 60.125)],
        [(20, 20, 60, 60), (40, 30, 90, 80), (30, 10, 50, 40)],  # overlap
        [(-30, -20, 25, 30), (130, 70, 400, 300)],  # reach outside
        [(-1e30, -1e30, 1e30, 1e30)],
        [(0, 0, 150, 90)],
        [(70, 40, 73, 42)],  # a crop of six pixels, which is enlarged
        [(70.25, 40.5, 70.5, 40.625)],
    ],
)
def test_boxes_are_restored_as_by_the_client(signatures, photo, boxes):
    restored = restore_boxes(signatures, photo[None], [boxes])[0]
    np.testing.assert_allclose(np.int32(restored), by_the_client(signatures, photo, boxes), atol=1)
    assert (restored != photo).any()


def test_boxes_leave_all_other_pixels_as_they_are(signatures, photo):
    restored = restore_boxes(signatures, photo[None], [[(40, 20, 70, 60), (100.5, 10, 120, 30)]])[0]
    inside = np.zeros(photo.shape[:2], bool)
    inside[20:60, 40:70] = inside[10:30, 100:120] = True
    np.testing.assert_array_equal(restored[~inside], photo[~inside])
    assert (restored[inside] != photo[inside]).any(axis=1).mean() > 0.5


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 0, 0),
        (np.nan,) * 4,
        (10, 10, np.nan, 20),
        (-np.inf, 0, np.inf, 20),
        (30, 30, 30, 60),
        (60, 60, 30, 30),
        (-20, 0, 0, 20),
        (150, 0, 170, 20),
        (3e38, 3e38, 3.2e38, 3.2e38),
    ],
)
def test_a_row_that_is_no_box_changes_nothing(signatures, photo, box):
    np.testing.assert_array_equal(restore_boxes(signatures, photo[None], [[box]])[0], photo)
    good = (40, 20, 70, 60)
    both = restore_boxes(signatures, photo[None], [[box, good, box]])
    np.testing.assert_array_equal(both, restore_boxes(signatures, photo[None], [[good]]))


@pytest.mark.parametrize(
    ("image", "boxes"),
    [((0, 90, 150, 3), (0, 2, 4)), ((2, 90, 150, 3), (2, 0, 4)), ((0, 0, 0, 3), (0, 0, 4)), ((2, 0, 9, 3), (2, 1, 4))],
)
def test_boxes_of_nothing(signatures, image, boxes):
    picture = np.full(image, 7, "uint8")
    np.testing.assert_array_equal(restore_boxes(signatures, picture, np.full(boxes, 5)), picture)
    if not image[0]:
        tensors = {"image_bytes": tf.constant([], tf.string), "boxes": tf.zeros(boxes)}
        assert signatures["serve_bytes_boxes"](**tensors)["restored_bytes"].shape == (0,)


def test_boxes_in_files_of_different_sizes_equal_those_in_pixels(signatures, photo):
    batch = [photo, photo[10:70, 20:90], photo[:16, :24]]
    boxes = np.float32(
        [[(40, 20, 70, 60), (5, 5, 30, 30)], [(3, 3, 40, 40), (0,) * 4], [(2, 2, 14, 14), (9, 2, 20, 9)]]
    )
    contents = tf.constant([encode(picture) for picture in batch])
    files = signatures["serve_bytes_boxes"](image_bytes=contents, boxes=tf.constant(boxes))["restored_bytes"].numpy()
    for picture, own, content in zip(batch, boxes, files, strict=True):
        np.testing.assert_array_equal(decode(content), restore_boxes(signatures, picture[None], own[None])[0])


def test_boxes_through_the_c_api(in_child, signatures, photo):
    boxes = np.float32([[(40, 20, 70, 60)]])
    files = as_strings(encode(photo))
    pixels, contents = in_child(
        ("serve_uint8_boxes", {"image": photo[None], "boxes": boxes}),
        ("serve_bytes_boxes", {"image_bytes": files, "boxes": boxes}),
    )
    np.testing.assert_array_equal(decode(contents[0]), pixels[0])
    np.testing.assert_allclose(np.int32(pixels[0]), by_the_client(signatures, photo, boxes[0].tolist()), atol=1)


# What else there is ---------------------------------------------------------------------------------------------------


def test_a_fresh_process_without_this_package_restores(model, pictures, signatures, tmp_path):
    np.save(tmp_path / "pictures.npy", pictures)
    code = (
        "import sys, numpy as np, tensorflow as tf\n"
        "sys.modules['keras_deid'] = None\n"
        f"serve = tf.saved_model.load({str(model)!r}).signatures['serve_uint8']\n"
        "np.save('restored.npy', serve(image=tf.constant(np.load('pictures.npy')))['restored'].numpy())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    expected = signatures["serve_uint8"](image=tf.constant(pictures))["restored"].numpy()
    np.testing.assert_array_equal(np.load(tmp_path / "restored.npy"), expected)


def test_openvino_reads_the_default_signature(model, pictures, restore_alone):
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    # Where the processor can, it would take bfloat16.
    compiled = core.compile_model(core.read_model(str(model)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    unit = np.float32(pictures) / 255
    expected = np.clip((restore_alone(pictures) + 1) / 2, 0, 1)
    np.testing.assert_allclose(compiled([unit])[0], expected, atol=1e-4)


def test_not_a_number_stays_one(signatures):
    restored = signatures["serving_default"](image=tf.fill((1, HEIGHT, WIDTH, 3), np.nan))["restored"]
    assert np.isnan(restored.numpy()).all()


def test_the_model_card_says_what_it_is(model, base):
    card = json.loads((model / "model_card.json").read_text())
    assert (card["name"], card["precision"], card["input"]["size"]) == ("tiny", "float32", [HEIGHT, WIDTH])
    assert card["weights"] == "moving average over training"
    assert card["figures"]["restored"] == {"psnr": 22.5, "faces_found": 0.5}
    assert card["versions"]["tensorflow"] == tf.__version__
    assert card["input"].keys() == {"size", *SIGNATURES}
    assert re.fullmatch("[0-9a-f]{64}", card["sha256"])
    text = (model / "model_card.md").read_text()
    assert "| input | 20.12 | - |" in text and "| restored | 22.5 | 0.5 |" in text
    assert "## Forbidden use" in text and card["sha256"] in text


def test_the_server_files_name_the_model_and_the_server(base):
    folder = base / "serving"
    assert 'name: "tiny"' in (folder / "models.config").read_text()
    assert 'base_path: "/models/tiny"' in (folder / "models.config").read_text()
    batching = (folder / "batching.config").read_text()
    sizes = [int(size) for size in re.findall(r"allowed_batch_sizes: (\d+)", batching)]
    assert sizes == sorted(sizes) and f"max_batch_size {{ value: {sizes[-1]} }}" in batching
    assert 'path: "/monitoring/prometheus/metrics"' in (folder / "monitoring.config").read_text()
    readme = (folder / "README.md").read_text()
    assert f"tensorflow/serving:{tf.__version__}" in readme and "--enable_batching --batching" in readme
    assert "127.0.0.1:8501:8501" in readme and "fill up with rows of zeros" in readme


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 0}, "expected a whole number of at least 1"),
        ({"to": "1tiny"}, "a letter first"),
        ({"to": "file"}, "is not a folder"),
        ({"to": "there", "version": 3}, "versions are never replaced"),
        ({"run": "nowhere"}, "give the folder of a trained run"),
    ],
)
def test_refuses_what_cannot_be(run, tmp_path, change, message):
    (tmp_path / "file").touch()
    (tmp_path / "there" / "3").mkdir(parents=True)
    source = tmp_path / change["run"] if "run" in change else run
    with pytest.raises(UserError, match=re.escape(message)):
        export(source, tmp_path / change.get("to", "new"), change.get("version"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "there"]


def test_refuses_a_network_that_its_configuration_does_not_describe(run, tmp_path):
    other = tmp_path / "run"
    other.mkdir()
    load_config(run / "config.yaml", ["data.image_size=[64, 64]"]).save(other / "config.yaml")
    os.link(run / "generator.keras", other / "generator.keras")
    with pytest.raises(UserError, match="is not the network that .*config.yaml describes"):
        export(other, tmp_path / "tiny")
    assert not (tmp_path / "tiny").exists()


def test_a_search_is_exported_like_any_generator(tmp_path):
    drawing = dcgan_generator((16, 16, 3), filters=4, latent=8)
    searching = latent_search(drawing, steps=3, starts=4)
    run = tmp_path / "run"
    run.mkdir()
    searching.save(run / "generator.keras")
    settings = {"network": "dcgan", "filters": 4, "latent": 8, "attention": "none"}
    config = {"generator": settings, "data": {"image_size": [16, 16]}, "training": {"method": "unconditional"}}
    Config.model_validate(config).save(run / "config.yaml")
    signatures = tf.saved_model.load(str(export(run, tmp_path / "search"))).signatures
    x = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("uint8")
    served = signatures["serve_uint8"](image=tf.constant(x))["restored"].numpy()
    np.testing.assert_allclose(served.astype(int), restore(searching, x).astype(int), atol=1)


def test_only_one_process_at_a_time(run, tmp_path):
    with workplace(tmp_path / "tiny", ""), pytest.raises(UserError, match="another process"):
        export(run, tmp_path / "tiny")
