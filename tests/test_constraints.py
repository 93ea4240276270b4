"""The two files of versions, and the container, agree."""

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLDER = {"pillow", "protobuf", "python-dateutil"}
"""What Apache Beam takes in an older version only."""


def versions(file):
    lines = (ROOT / file).read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def test_beam_changes_three_packages():
    ours, beams = versions("constraints.txt"), versions("constraints-beam.txt")
    assert {name for name in ours.keys() & beams.keys() if ours[name] != beams[name]} == OLDER


def test_the_container_has_the_beam_of_the_constraints():
    beam = versions("constraints-beam.txt")["apache-beam"]
    assert f"FROM apache/beam_python3.11_sdk:{beam}\n" in (ROOT / "docker/beam.Dockerfile").read_text()


def test_all_that_beam_needs_is_pinned():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = f"{setup['options']['install_requires']}\n{setup['options.extras_require']['beam']}".splitlines()
    names = {re.split(r"[><=\[]", line)[0].strip().lower() for line in lines if line and not line.startswith("#")}
    assert names <= versions("constraints-beam.txt").keys()
