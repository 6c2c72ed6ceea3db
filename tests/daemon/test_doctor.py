"""What `renderd doctor` says of path roots and releases."""

import json
from dataclasses import replace
from pathlib import Path

from renderd.core import farm
from renderd.daemon import doctor
from renderd.spool import moves, nodes
from renderd.spool.layout import Spool


def told(answers):
    return [(answer.name, str(answer.verdict), answer.measured) for answer in answers]


def test_roots_without_a_path_or_a_folder_here_are_named(tmp_path: Path) -> None:
    (tmp_path / "there" / "shot").mkdir(parents=True)
    text = f"""
[roots]
there = {{ linux = "{tmp_path}/there" }}
gone = {{ linux = "{tmp_path}/gone" }}
mac = {{ darwin = "/Volumes/x" }}
[blender]
scripts = "{{there}}/scripts"
"""
    assert told(doctor.examine_roots(farm.parse(text), "linux")) == [
        ("path root", "warn", "{mac} has no path for linux"),
        ("path root", "ok", f"{{there}} is {tmp_path}/there"),
        ("path root", "warn", f"{{gone}}: {tmp_path}/gone is not there"),
        ("script folder", "warn", f"{tmp_path}/there/scripts is not there"),
    ]
    assert told(doctor.examine_roots(farm.parse(""), "linux")) == []


def test_several_releases_are_warned_about(spool: Spool) -> None:
    assert told(doctor.examine_versions(spool)) == []
    for name, version in (("a", "0.1.0"), ("b", "0.2.0"), ("c", "0.1.0")):
        inc = f"{name}-0123abcd"
        other = replace(spool, who=inc)
        nodes.register(other, inc, {"node": name, "version": version}, 5)
    [answer] = doctor.examine_versions(spool)
    said = ("releases", "warn", "0.1.0 on a, c; 0.2.0 on b")
    assert told([answer]) == [said]
    assert answer.advice.endswith("render node restart --all")
    path = spool.node("b-0123abcd", "node.info")
    moves.write(spool, path, json.dumps({"node": "b", "version": "0.1.0"}).encode())
    said = ("releases", "ok", "all live nodes run renderd 0.1.0")
    assert told(doctor.examine_versions(spool)) == [said]
