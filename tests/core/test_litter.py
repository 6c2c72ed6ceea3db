"""What servers and desktops leave is told from what people name."""

import pytest

from renderd.core.litter import is_disposable, is_litter
from renderd.core.names import is_drop

LITTER = (
    *("@eaDir", "@EADIR", "shot.info@SynoEAStream", "x.png@SynoResource", "#recycle", "@Recycle"),
    *(".snapshot", ".snapshots", "#snapshot", "~snapshot", ".zfs", ".AppleDouble", ".DS_Store"),
    *("._shot_0001.png", "Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", ".@__thumb"),
    *("System Volume Information", "lost+found", ".nfs000000000003", ".Trashes", ".Trash-1000"),
)
OURS = (
    *("shot_0001.png", "shot.info", "eaDir", "recycle", "p50~abcdefghij~g0~shot.info", "nfs01"),
    *("snapshot", "thumbs.db.png", ".renderd", "Desktop", "00001.1.ws07-0123abcd", "ok", "since"),
)


@pytest.mark.parametrize("name", LITTER)
def test_litter_is_known_by_its_name(name: str) -> None:
    assert is_litter(name)
    assert not is_drop(name)


@pytest.mark.parametrize("name", OURS)
def test_what_people_and_programs_name_is_no_litter(name: str) -> None:
    assert not is_litter(name)


@pytest.mark.parametrize("name", ["#recycle", "$RECYCLE.BIN", ".snapshot", ".nfs0003", ".zfs"])
def test_what_people_threw_away_and_snapshots_are_never_removed(name: str) -> None:
    assert is_litter(name)
    assert not is_disposable(name)


def test_the_litter_of_a_nas_goes_with_its_folder() -> None:
    for name in ("@eaDir", "._x", ".DS_Store", "Thumbs.db", "x.info@SynoEAStream"):
        assert is_disposable(name)
