"""The statements about an exported model, by number where docs/serving.md lists them: its signatures."""

import io
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_deid.data.images import read_image
from keras_deid.serving.graph.bombs import PIXEL_LIMIT
from keras_deid.serving.signatures import BOX_LIMIT, LOCATOR_SIGNATURES, SIGNATURES

from .conftest import HEIGHT, WIDTH, as_strings, decode, encode, untrained_locator
from .hostile import gif, gif_frame, png


def restore_bytes(signatures, *contents):
    return signatures["serve_bytes"](image_bytes=tf.constant(contents, tf.string))["restored_bytes"].numpy()


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
        "describe": ({"row": ("int32", [-1])}, {"description": ("string", [-1])}),
        "locate": ({"image": ("uint8", [-1, -1, -1, 3])}, {"hidden": ("float32", [-1, -1, -1])}),
        "locate_bytes": ({"image_bytes": ("string", [-1])}, {"hidden_bytes": ("string", [-1])}),
    }
    assert set(definitions) == {*SIGNATURES, *LOCATOR_SIGNATURES}


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
    count = generator.count_params() + untrained_locator().count_params()
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == count
    assert {str(reader.get_variable_to_dtype_map()[name].name) for name in shapes} == {"float32"}
    assert all(re.fullmatch(r"(generator|locator)_variables/\d+/\.ATTRIBUTES/VARIABLE_VALUE", name) for name in shapes)


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
    openvino = pytest.importorskip("keras_deid.restoring.silent_openvino", exc_type=ImportError).openvino
    core = openvino.Core()
    # Where the processor can, it would take bfloat16.
    compiled = core.compile_model(core.read_model(str(model)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    unit = np.float32(pictures) / 255
    expected = np.clip((restore_alone(pictures) + 1) / 2, 0, 1)
    np.testing.assert_allclose(compiled([unit])[0], expected, atol=1e-4)


def test_not_a_number_stays_one(signatures):
    restored = signatures["serving_default"](image=tf.fill((1, HEIGHT, WIDTH, 3), np.nan))["restored"]
    assert np.isnan(restored.numpy()).all()
