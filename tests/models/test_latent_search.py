import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.data.deidentify import deidentify
from keras_deid.models.dcgan import dcgan_generator
from keras_deid.models.latent_search import LatentSearch, Mosaic, latent_search
from keras_deid.models.pixels import to_signed

SIDE, LATENT = 8, 4


def linear_generator():
    """Draws `z @ basis` with an orthonormal basis: the best z for a picture is known."""
    vector = keras.Input((LATENT,))
    picture = keras.layers.Dense(SIDE * SIDE * 3, use_bias=False, name="basis")(vector)
    generator = keras.Model(vector, keras.layers.Reshape((SIDE, SIDE, 3))(picture))
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(SIDE * SIDE * 3, LATENT)))[0].T
    generator.get_layer("basis").set_weights([basis.astype("float32")])
    return generator


def latent_vectors(count):
    """Vectors of the length that the search keeps."""
    vectors = np.random.default_rng(2).normal(size=(count, LATENT)).astype("float32")
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * LATENT**0.5


def pictures(count=2, side=16):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype("uint8")


def hidden(originals, boxes, block):
    boxes = np.asarray(boxes, "float32")
    return deidentify(tf.constant(originals), boxes, np.full(len(boxes), block, "float32"))


@pytest.fixture
def small():
    """A generator of 16 px that has been given batch statistics, so that its drawings differ."""
    generator = dcgan_generator((16, 16, 3), filters=4, latent=6)
    for layer in generator.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            layer.set_weights([5 * weight for weight in layer.get_weights()])
    return generator


def test_a_picture_with_known_blocks():
    # One channel: two blocks of 2 x 2 at the left, pixels of their own at the right.
    x = np.array([[1, 1, 3, 4], [1, 1, 5, 6], [2, 2, 7, 8], [2, 2, 9, 0]], "float32")[None, :, :, None]
    other = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    mosaic = Mosaic.read(tf.constant(x), hidden_weight=3.0)
    expected = [[2.5, 2.5, 2, 3], [2.5, 2.5, 6, 7], [10.5, 10.5, 10, 11], [10.5, 10.5, 14, 15]]
    np.testing.assert_allclose(mosaic.apply(tf.constant(other))[0, ..., 0], expected)
    np.testing.assert_allclose(mosaic.weights[0, ..., 0], [[1.5, 1.5, 0.5, 0.5]] * 4)
    mismatch = np.sum(np.asarray(mosaic.weights) * np.square(np.array(expected)[None, ..., None] - x))
    np.testing.assert_allclose(mosaic.mismatch(tf.constant(other)), [mismatch])


def test_runs_end_with_the_row_and_with_the_picture():
    flat = tf.ones((2, 3, 4, 1))
    mosaic = Mosaic.read(flat, 1.0)
    np.testing.assert_array_equal(mosaic.rows, np.repeat(np.arange(6), 4))
    np.testing.assert_array_equal(mosaic.columns, np.repeat(np.arange(8), 3))
    other = tf.reshape(tf.range(24, dtype="float32"), (2, 3, 4, 1))
    np.testing.assert_allclose(mosaic.apply(other)[:, 0, 0, 0], [5.5, 17.5])


@pytest.mark.parametrize("block", [2.0, 3.0, 3.4])
def test_the_original_de_identified_in_the_same_way_is_the_picture(block):
    originals = pictures()
    x, _ = hidden(originals, [(2, 3, 13, 14), (5, 0, 15, 9)], block)
    x, y = to_signed(x), to_signed(originals)
    mosaic = Mosaic.read(x, hidden_weight=2.0)
    # A mosaic rounds its means to whole grey levels.
    np.testing.assert_allclose(mosaic.apply(y), x, atol=0.51 / 127.5)
    assert np.abs(y - np.asarray(x)).max() > 0.5
    np.testing.assert_allclose(np.asarray(mosaic.weights).mean(axis=(1, 2, 3)), 1, rtol=1e-5)


def test_what_was_hidden_counts_more():
    originals = pictures()
    x, mask = hidden(originals, [(4, 4, 12, 12)] * 2, 4.0)
    weights = np.asarray(Mosaic.read(to_signed(x), hidden_weight=5.0).weights)
    inside = np.asarray(mask) == 1
    np.testing.assert_allclose(weights[inside] / weights[~inside].mean(), 5, rtol=1e-5)


def test_finds_the_vector_that_drew_a_picture():
    generator, vectors = linear_generator(), latent_vectors(3)
    restore = latent_search(generator, steps=100, learning_rate=0.2, starts=4)
    drawn = generator(vectors)
    np.testing.assert_allclose(restore(drawn), drawn, atol=1e-2)


def test_finds_the_nearest_drawing_to_what_g_cannot_draw():
    # On the sphere the best z for x under an orthonormal basis is the direction of x @ basis^T.
    generator = linear_generator()
    x = np.random.default_rng(3).uniform(-1, 1, (2, SIDE, SIDE, 3)).astype("float32")
    direction = x.reshape(2, -1) @ generator.get_layer("basis").get_weights()[0].T
    best = direction / np.linalg.norm(direction, axis=1, keepdims=True) * LATENT**0.5
    restored = latent_search(generator, steps=100, starts=4)(x)
    np.testing.assert_allclose(restored, generator(best), atol=1e-2)


def test_finds_the_vector_through_a_mosaic():
    generator, vectors = linear_generator(), latent_vectors(2)
    drawn = np.asarray(generator(vectors))
    # Block means of 2 x 2 in the left half, not rounded.
    x = drawn.copy()
    means = drawn[:, :, :4].reshape(2, 4, 2, 2, 2, 3).mean(axis=(2, 4))
    x[:, :, :4] = means.repeat(2, axis=1).repeat(2, axis=2)
    restored = latent_search(generator, steps=200, starts=4)(x)
    np.testing.assert_allclose(restored, drawn, atol=1e-2)
    assert np.abs(x - drawn).max() > 0.2


def test_more_steps_fit_better(small):
    x, _ = hidden(pictures(3), [(4, 4, 12, 12)] * 3, 4.0)
    x = to_signed(x)
    mosaic = Mosaic.read(x, 4.0)
    mismatch = [np.asarray(mosaic.mismatch(latent_search(small, steps=steps, starts=8)(x))) for steps in (1, 5, 40)]
    assert (mismatch[1] < mismatch[0]).all() and (mismatch[2] < mismatch[1]).all()


def test_one_step_returns_the_best_start(small):
    x = to_signed(pictures(3))
    model = latent_search(small, steps=1, starts=5)
    vectors = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    drawings = np.asarray(small(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * 6**0.5))
    distance = np.square(drawings[None] - np.asarray(x)[:, None]).sum(axis=(2, 3, 4))
    np.testing.assert_allclose(model(x), drawings[distance.argmin(axis=1)], atol=1e-5)


def test_pictures_of_a_batch_do_not_see_each_other(small):
    x = to_signed(pictures(3))
    restore = latent_search(small, steps=10, starts=4)
    together = restore(x)
    for index in range(3):
        np.testing.assert_allclose(restore(x[index : index + 1])[0], together[index], atol=1e-4)


def test_restoring_twice_gives_the_same(small):
    x = to_signed(pictures())
    first = latent_search(small, steps=5, starts=4)(x)
    np.testing.assert_array_equal(latent_search(small, steps=5, starts=4)(x), first)
    assert np.abs(latent_search(small, steps=5, starts=4, seed=1)(x) - first).max() > 0


def test_follows_the_generator_that_it_holds(small):
    x = to_signed(pictures())
    restore = latent_search(small, steps=2, starts=4)
    before = restore(x)
    small.get_layer("head_conv").set_weights([-weight for weight in small.get_layer("head_conv").get_weights()])
    assert np.abs(restore(x) - before).max() > 0.1
    assert restore.get_layer("search").generator is small
    assert len(restore.trainable_weights) == len(small.trainable_weights)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_searches_a_generator_of_half_precision_as_well(policy, precision):
    policy(precision)
    x = to_signed(pictures())
    generator = dcgan_generator((16, 16, 3), filters=4, latent=6)
    generator.get_layer("draw_1_conv").set_weights([20 * w for w in generator.get_layer("draw_1_conv").get_weights()])
    mosaic = Mosaic.read(x, 16.0)
    first, last = (latent_search(generator, steps=steps, starts=2)(x) for steps in (1, 20))
    assert first.dtype == last.dtype == "float32"
    assert (np.asarray(mosaic.mismatch(last)) < np.asarray(mosaic.mismatch(first))).all()


def test_saved_and_loaded_it_restores_the_same(small, tmp_path):
    x = to_signed(pictures())
    model = latent_search(small, steps=3, learning_rate=0.3, starts=4, hidden_weight=2.0, seed=5)
    model.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(loaded(x), model(x))
    config = loaded.get_layer("search").get_config()
    options = {"steps": 3, "learning_rate": 0.3, "starts": 4, "hidden_weight": 2.0, "seed": 5}
    assert {key: config[key] for key in options} == options
    assert loaded.input_shape == loaded.output_shape == (None, 16, 16, 3)


def test_weights_move_to_a_twin(small):
    x = to_signed(pictures())
    model = latent_search(small, steps=2, starts=4, seed=3)
    counterpart = latent_search(dcgan_generator((16, 16, 3), filters=4, latent=6), steps=2, starts=4)
    counterpart.set_weights(model.get_weights())
    np.testing.assert_array_equal(counterpart(x), model(x))


def test_exported_it_restores_the_same(small, tmp_path):
    x = to_signed(pictures(3))
    model = latent_search(small, steps=3, starts=4)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", model.call, input_signature=[tf.TensorSpec((None, 16, 16, 3), tf.float32)])
    archive.write_out(str(tmp_path / "model"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_allclose(loaded.serve(x), model(x), atol=1e-4)


@pytest.mark.parametrize("option", ["steps", "starts", "learning_rate", "hidden_weight"])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=option):
        LatentSearch(linear_generator(), **{option: 0})
