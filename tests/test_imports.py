"""The direction of imports: scripts -> cli -> {training, comparison, figures, demo, beam, {privacy, useful} -> field}
-> {evaluation, explain, restoring, preparation} -> serving -> {models, losses, data, synthetic} -> layers, with
`config`, `errors`, `progress`, `statistics`, `report`, `atomic`, `locking` and `staging` as leaves."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "keras_deid"

# What everything that measures and reports rests on.
SHARED = ("progress", "report", "statistics")
# What each part may import of the others. A part may always import itself; only the command line reaches training.
ALLOWED = {
    "": {"config", "models", "restoring"},  # offered, not loaded
    "errors": set(),
    "progress": set(),
    "shipped": {"errors"},
    "statistics": set(),
    "atomic": set(),
    "locking": {"errors", "atomic"},
    "staging": {"errors", "locking"},
    "boxes": set(),
    "report": {"atomic"},
    "config": {"errors", "atomic", "shipped", "hiding"},  # the names of its methods
    "hiding": {"boxes"},
    "layers": {"errors"},
    "losses": {"errors", "layers"},
    "models": {"errors", "layers", "losses", "shipped"},
    "synthetic": set(),
    "data": {"errors", "config", "atomic", "boxes", "hiding", "synthetic"},
    "preparation": {"errors", "config", "atomic", "boxes", "progress", "staging", "data"},
    "evaluation": {"errors", "boxes", "config", *SHARED, "atomic", "locking", "layers", "losses", "models", "data"},
    "explain": {
        "errors",
        "boxes",
        "preparation",
        "config",
        *SHARED,
        "atomic",
        "locking",
        "layers",
        "losses",
        "models",
        "data",
        "evaluation",
    },
    "figures": {"atomic", "locking", "layers", "models", "report", "explain"},
    "comparison": {"errors", "boxes", "config", *SHARED, "atomic", "models", "data", "evaluation", "explain"},
    "serving": {"errors", "boxes", "config", "atomic", "staging", "layers", "models", "data"},
    "restoring": {"errors", "boxes", "config", "atomic", "locking", "progress", "shipped", "models", "data", "serving"},
    "field": {
        "errors",
        "boxes",
        "config",
        *SHARED,
        "atomic",
        "staging",
        "hiding",
        "models",
        "data",
        "evaluation",
        "restoring",
    },
    "privacy": {
        "errors",
        "boxes",
        "config",  # how a place is named in a report
        *SHARED,
        "atomic",
        "staging",
        "hiding",
        "data",
        "evaluation",
        "restoring",
        "field",  # its photographs and baselines
    },
    "useful": {
        "errors",
        "boxes",
        "config",  # how a place is named in a report
        *SHARED,
        "atomic",
        "staging",
        "hiding",
        "models",
        "data",
        "evaluation",
        "restoring",
        "field",  # its photographs and baselines
    },
    "beam": {
        "errors",
        "boxes",
        "config",
        "progress",
        "preparation",
        "data",
        "restoring",
    },
    "demo": {
        "errors",
        "boxes",
        "report",
        "shipped",
        "models",
        "data",
        "explain",
        "restoring",
    },
    "training": {
        "errors",
        "locking",
        "shipped",
        "preparation",
        "config",
        "atomic",
        "progress",
        "report",
        "layers",
        "losses",
        "models",
        "data",
        "evaluation",
        "explain",
    },
}
ALLOWED["cli"] = set(ALLOWED)  # everything

# Models, layers and losses run on any Keras backend.
ANY_BACKEND = ("layers", "models", "losses")
# But for this one, which follows a gradient while it restores.
NEEDS_TENSORFLOW = PACKAGE / "models" / "latent_search.py"

# Folders beside the package, which is installed without them.
OUTSIDE = {"configs", "docs", "scripts", "benchmarks", "tests"}


def part_of(path):
    """`keras_deid/data/images.py` -> `data`; the package's own `__init__.py` -> ``."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0].replace("__init__", "")


def imported_modules(source, package):
    """Full names of the modules that a source file imports, wherever in it; `package` is the dotted one it is in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from keras_deid import models` names a module as well as `from keras_deid.models import resnet`.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imports_of(path):
    package = ".".join(["keras_deid", *path.relative_to(PACKAGE).parent.parts])
    return set(imported_modules(path.read_text(encoding="utf-8"), package))


MODULES = [pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in sorted(PACKAGE.rglob("*.py"))]


@pytest.mark.parametrize("path", MODULES)
def test_imports_point_one_way(path):
    part = part_of(path)
    used = {name.split(".")[1] for name in imports_of(path) if name.startswith("keras_deid.")}
    used = {"" if name == "__version__" else name for name in used}
    assert used - {part} <= ALLOWED[part], f"keras_deid/{part} may import {sorted(ALLOWED[part])}"


@pytest.mark.parametrize("path", MODULES)
def test_the_package_never_imports_what_is_beside_it(path):
    assert not {name.split(".")[0] for name in imports_of(path)} & OUTSIDE


@pytest.mark.parametrize("path", [module for module in MODULES if part_of(module.values[0]) in ANY_BACKEND])
def test_networks_and_losses_know_no_backend(path):
    used = {name.split(".")[0] for name in imports_of(path)} & {"tensorflow", "torch", "jax"}
    assert used == ({"tensorflow"} if path == NEEDS_TENSORFLOW else set())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import keras_deid.models.pixels as pixels", {"keras_deid.models.pixels"}),
        ("from keras_deid import models", {"keras_deid.models"}),
        ("from keras_deid.models.pixels import to_uint8", {"keras_deid.models.pixels.to_uint8"}),
        ("from . import boxes", {"keras_deid.data.boxes"}),
        ("from .boxes import iou", {"keras_deid.data.boxes.iou"}),
        ("from ..training import run", {"keras_deid.training.run"}),
        ("def late():\n    from keras_deid.training import run", {"keras_deid.training.run"}),
    ],
)
def test_every_way_to_import_is_seen(source, expected):
    assert set(imported_modules(source, "keras_deid.data")) == expected


def test_the_package_alone_is_light():
    heavy = "{'tensorflow', 'keras', 'numpy', 'cv2', 'pydantic'}"
    code = f"import sys, keras_deid, keras_deid.errors, keras_deid.cli.main; print({heavy} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "set()\n", ended.stderr
