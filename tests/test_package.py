import doctest
import importlib
import subprocess
import sys

import pytest

import keras_deid


@pytest.mark.parametrize("name", ["Restorer", "load_config", "load_generator"])
def test_the_examples_do_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    offered = getattr(keras_deid, name)
    module = importlib.import_module(offered.__module__)
    (example,) = (test for test in doctest.DocTestFinder(recurse=False).find(offered, name, module))
    assert example.examples
    result = doctest.DocTestRunner().run(example)
    assert result.attempted == len(example.examples) and result.failed == 0


def test_what_is_offered_is_listed():
    assert {"Restorer", "load_config", "load_generator", "__version__"} <= set(dir(keras_deid))
    with pytest.raises(AttributeError, match="module 'keras_deid' has no attribute 'restorer'"):
        _ = keras_deid.restorer


def test_a_configuration_needs_no_tensorflow():
    code = (
        "import sys, keras_deid; config = keras_deid.load_config('street64'); "
        "print(config.name, {'tensorflow', 'keras'} & {*sys.modules})"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "street64 set()\n", ended.stderr
