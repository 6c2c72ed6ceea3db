"""What the pre-flight says of small shots, on farms that see their files or do not."""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

HERE = Path(__file__)
sys.path.insert(0, str(HERE.parent / "blend"))

from shotmaker import shot  # noqa: E402

from renderd import plan, preflight  # noqa: E402
from renderd.core.farm import Farm, Root  # noqa: E402
from renderd.core.infofile import Info  # noqa: E402
from renderd.core.needs import Needs  # noqa: E402
from renderd.core.policy import Able  # noqa: E402
from renderd.preflight import Kind, Preflight, Severity  # noqa: E402
from renderd.spool.ground import Ground, Sight  # noqa: E402
from renderd.spool.mount import parse  # noqa: E402

#: The farm's folder on NFS; all else on this machine's disk.
FARM_ON_NFS = parse(
    "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "2 1 0:9 / /net/farm rw - nfs4 server:/farm rw\n"
    "3 1 0:8 / /net/tex rw - cifs //server/tex rw\n"
)
FARM_ON_DISK = parse("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /srv rw - xfs /dev/sdb1 rw\n")
AWAY = Ground(mounts=FARM_ON_NFS, spool="/net/farm/spool")


@pytest.fixture
def folder():
    """A folder that everybody may enter; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def check(folder):
    """Make a shot in the folder and examine its job; only what is no mere note, unless asked."""

    def run(*pictures, ground=None, farm=None, notes=False, info=None, frames=None, **how):
        path = folder / "shot.blend"
        path.write_bytes(shot(pictures, **how))
        farm = farm or Farm()
        wish = plan.Wish(info=info or Info(commands=()), frames=frames)
        (draft,) = plan.from_blend(str(path), wish, farm, sys.platform)
        found = Preflight(farm, sys.platform, ground or Ground()).check(draft)
        return [one for one in found if notes or one.severity is not Severity.NOTE]

    return run


def kinds(found):
    return [(one.severity, one.kind) for one in found]


def test_a_shot_with_all_it_needs_gives_nothing_to_say(check, folder):
    (folder / "wood.png").write_bytes(b"x")
    assert check(b"//wood.png", notes=True) == []


def test_a_missing_picture_stops_and_is_named(check, folder):
    (one,) = check(b"//tex/wood.png")
    assert (one.severity, one.kind, one.block) == ("stop", "missing", "image 'wood'")
    assert (one.written, one.path) == ("//tex/wood.png", str(folder / "tex/wood.png"))
    assert one.path in one.sentence
    assert "shot.blend" in one.remedy


def test_a_job_that_only_warns_of_missing_files_is_not_stopped(check):
    found = check(b"//wood.png", info=Info(commands=(), missing="warn"))
    assert kinds(found) == [(Severity.WARN, Kind.MISSING)]


def test_a_missing_picture_that_nothing_uses_is_a_note(check):
    assert check(unused=[b"//old.png"]) == []
    assert kinds(check(unused=[b"//old.png"], notes=True)) == [(Severity.NOTE, Kind.UNUSED)]


def test_what_one_scene_leaves_unused_and_another_misses_is_missing(check):
    (unused,) = check(unused=[b"//old.png"], notes=True)
    (missing,) = check(b"//old.png")
    assert preflight.merged([unused, missing, missing]) == [missing]


def test_a_picture_on_this_machines_disk_stops_where_the_farm_is_on_a_share(check, folder):
    (folder / "wood.png").write_bytes(b"x")
    found = check(b"//wood.png", ground=AWAY)
    assert [one.block for one in found] == ["file 'shot.blend'", "image 'wood'", ""]
    stops = (Kind.LOCAL, Kind.LOCAL, Kind.OUTPUT)
    assert kinds(found) == [(Severity.STOP, kind) for kind in stops]
    assert "ext4 on /" in found[0].sentence


@pytest.mark.parametrize(
    ("mounts", "spool", "path", "disk"),
    [
        (FARM_ON_NFS, "/net/farm/spool", "/net/tex/a.png", ""),
        (FARM_ON_NFS, "/net/farm/spool", "/net/farm/a.png", ""),
        (FARM_ON_NFS, "/net/farm/spool", "/srv/a.png", "ext4 on /"),
        (FARM_ON_NFS, "/net/farm/spool", "/srv/proj/a.png", ""),
        (FARM_ON_DISK, "/srv/spool", "/home/a.png", ""),
        (FARM_ON_NFS, "", "/srv/a.png", ""),
        ((), "/net/farm/spool", "/srv/a.png", ""),
    ],
)
def test_local_is_what_other_nodes_do_not_see(mounts, spool, path, disk):
    ground = Ground(mounts=mounts, spool=spool, roots=("/srv/proj",))
    assert ground.local_disk(path) == disk


def test_below_a_root_of_the_farm_everybody_sees_it(check, folder):
    (folder / "wood.png").write_bytes(b"x")
    farm = Farm(roots=(Root(name="proj", linux=str(folder), darwin=str(folder)),))
    ground = replace(AWAY, roots=(str(folder),))
    assert check(b"//wood.png", ground=ground, farm=farm) == []


def test_what_the_farms_group_may_not_read_is_told(check, folder):
    picture = folder / "wood.png"
    picture.write_bytes(b"x")
    ground = Ground(gid=picture.stat().st_gid)
    picture.chmod(0o640)
    assert check(b"//wood.png", ground=ground) == []
    picture.chmod(0o600)
    found = check(b"//wood.png", ground=ground)
    assert kinds(found) == [(Severity.WARN, Kind.UNREADABLE)]
    assert found[0].remedy == f"chmod a+r {picture}"
    assert check(b"//wood.png", ground=Ground(gid=None)) == []


def test_a_folder_that_keeps_the_farm_out_is_named_in_place_of_its_files(check, folder):
    (folder / "tex").mkdir()
    (folder / "tex/wood.png").write_bytes(b"x")
    (folder / "tex").chmod(0o700)
    (one,) = check(b"//tex/wood.png", ground=Ground(gid=(folder / "tex").stat().st_gid))
    assert one.remedy == f"chmod a+rx {folder / 'tex'}"


@pytest.mark.parametrize("path", [rb"C:\tex\wood.png", rb"\\server\tex\wood.png", b"wood.png"])
def test_a_path_that_means_nothing_on_the_farm_stops(check, path):
    assert kinds(check(path)) == [(Severity.STOP, Kind.PATH)]


def test_absolute_paths_are_noted_once(check, folder):
    paths = [folder / name for name in ("a.png", "b.png")]
    for path in paths:
        path.write_bytes(b"x")
    found = check(*(str(path).encode() for path in paths), notes=True)
    assert kinds(found) == [(Severity.NOTE, Kind.ABSOLUTE)]
    assert found[0].sentence.startswith("2 paths are absolute")


def test_a_scene_without_camera_stops(check):
    assert kinds(check(camera=False)) == [(Severity.STOP, Kind.CAMERA)]


def test_a_movie_is_noted(check):
    found = check(r__im_format__imtype=24, notes=True)
    assert kinds(found) == [(Severity.NOTE, Kind.MOVIE)]


def test_an_unbaked_cloth_is_told_and_holds_a_job_of_several_chunks(check):
    (one,) = found = check(cloth=False)
    assert kinds(found) == [(Severity.WARN, Kind.UNBAKED)]
    assert (one.block, one.sentence) == (
        "cloth 'Flag'",
        "cloth 'Flag' of shot.blend is not baked",
    )
    assert check(cloth=True) == []


@pytest.mark.parametrize(
    ("info", "is_held"),
    [
        (Info(commands=()), True),
        (Info(commands=(), whole=True), False),
        (Info(commands=(), chunk=30), False),
    ],
)
def test_only_a_job_of_several_chunks_is_held(folder, info, is_held):
    path = folder / "shot.blend"
    path.write_bytes(shot(cloth=False))
    (draft,) = plan.from_blend(str(path), plan.Wish(info=info), Farm(), sys.platform)
    found = Preflight(Farm(), sys.platform, Ground()).check(draft)
    reason = "cloth 'Flag' of shot.blend is not baked: bake it or use --whole"
    assert preflight.hold_reason(found, draft) == (reason if is_held else "")


def node(*versions):
    return Able(name="ws07", inc="ws07-1", blenders=versions)


@pytest.mark.parametrize(
    ("nodes", "needs", "is_told"),
    [
        ((), Needs(), False),
        ((node("3.4.1"),), Needs(), False),
        ((node("4.2.3"),), Needs(), True),
        ((node("4.2.3"),), Needs(blender="any"), False),
        ((node("2.93.0"),), Needs(blender="any"), True),
        ((node("2.93.0"), node("3.4.1", "4.2.3")), Needs(), False),
        ((node(),), Needs(), True),
        ((replace(node(), knows_blenders=False),), Needs(), False),
    ],
)
def test_a_blender_that_no_live_node_has_is_told(check, nodes, needs, is_told):
    found = check(ground=Ground(nodes=nodes), info=Info(commands=(), needs=needs))
    assert kinds(found) == [(Severity.WARN, Kind.VERSION)] * is_told


def test_a_file_cut_short_behind_its_scenes_is_told(folder):
    path = folder / "shot.blend"
    whole = shot()
    path.write_bytes(whole)
    (draft,) = plan.from_blend(str(path), plan.Wish(), Farm(), sys.platform)
    path.write_bytes(whole[:-60])
    found = Preflight(Farm(), sys.platform, Ground()).check(draft)
    assert kinds(found) == [(Severity.WARN, Kind.UNKNOWN)]


def test_a_file_no_job_can_be_made_of_still_says_what_it_lacks(folder):
    path = folder / "shot.blend"
    path.write_bytes(shot([b"//wood.png"], r__sfra=9, r__efra=1))
    found = Preflight(Farm(), sys.platform, Ground()).check_blend(str(path))
    assert {one.kind for one in found} == {Kind.REFUSED, Kind.MISSING}


def test_names_cannot_move_the_cursor(check):
    (one,) = check(b"//\x1b[2J\xff.png")
    assert all(text.isprintable() for text in one.to_dict().values())


def test_a_list_of_a_folder_says_what_looking_at_each_file_says(folder):
    paths = [str(folder / f"{number}.png") for number in range(40)]
    for path in paths[:30]:
        Path(path).write_bytes(b"x")
    sight = Sight(Ground())
    sight.expect(paths)
    assert [sight.is_there(path) for path in paths] == [True] * 30 + [False] * 10
    Path(paths[35]).write_bytes(b"x")
    again = Sight(Ground())
    again.expect(paths)
    Path(paths[36]).write_bytes(b"x")
    assert again.is_there(paths[36]), "a list that is older than a file hides nothing"
    (folder / "39.png").symlink_to("gone")
    assert not again.is_there(paths[39])
