"""A folder is our spool, or is refused with the reason and the exit status that says it."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from renderd.errors import ConfigError, FormatNewer, RenderdError, SpoolError, SpoolNotMounted
from renderd.spool import layout
from renderd.spool.layout import Identity, Spool, is_mounted, open_spool, parse_identity
from renderd.spool.share import PosixShare

Open = Callable[[], Spool]


@pytest.fixture
def root(spool: Spool) -> Path:
    return Path(spool.root)


@pytest.fixture
def reopen(root: Path) -> Open:
    return lambda: open_spool(PosixShare(), str(root), random.Random(7), "test")


def test_a_spool_is_opened_and_knows_where_everything_lies(reopen: Open, root: Path) -> None:
    spool = reopen()
    assert spool.identity.format == layout.FORMAT
    assert spool.at("queue", "x") == f"{root}/queue/x"
    assert spool.job("k2p9x7q4ab", "job.info") == f"{root}/jobs/k2p9x7q4ab/job.info"
    assert spool.node("ws07-0123abcd", "status") == f"{root}/nodes/ws07-0123abcd/status"


def test_a_slash_behind_the_root_changes_nothing(root: Path) -> None:
    assert open_spool(PosixShare(), f"{root}//", random.Random(7), "test").root == str(root)


def refusal(reopen: Open, kind: type[RenderdError]) -> RenderdError:
    with pytest.raises(RenderdError) as caught:
        reopen()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return caught.value


def test_an_empty_mount_point_is_not_a_spool(reopen: Open, root: Path) -> None:
    shutil.rmtree(root)
    root.mkdir()
    error = refusal(reopen, SpoolNotMounted)
    assert error.exit_status == 10
    assert "mount the share" in error.remedy
    assert list(root.iterdir()) == []


def test_a_folder_that_is_not_there_is_not_a_spool(reopen: Open, root: Path) -> None:
    shutil.rmtree(root)
    assert str(root) in str(refusal(reopen, SpoolNotMounted))
    assert not root.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id: test0000\n",
        "format: 1\n",
        "id: a b\nformat: 1\n",
        "id: TEST0000\nformat: 1\n",
        "id: test0000\nformat: one\n",
        "id: test0000\nformat: ²\n",
        "id: test0000\nformat: -1\n",
        f"id: test0000\nformat: {'9' * 5000}\n",
        "\0" * 4096,
    ],
)
def test_a_damaged_spool_file_is_named(reopen: Open, root: Path, text: str) -> None:
    (root / "SPOOL").write_text(text)
    assert "is damaged" in str(refusal(reopen, SpoolNotMounted))


@pytest.mark.parametrize("number", [2, 999_999_999])
def test_a_newer_format_is_refused_with_a_status_of_its_own(
    reopen: Open, root: Path, number: int
) -> None:
    (root / "SPOOL").write_text(f"id: test0000\nformat: {number}\n")
    error = refusal(reopen, FormatNewer)
    assert error.exit_status == 12
    assert f"has format {number}; this release knows 1" in str(error)


def test_a_spool_file_that_is_a_link_or_a_folder_is_refused(reopen: Open, root: Path) -> None:
    os.rename(root / "SPOOL", root / "elsewhere")
    (root / "SPOOL").symlink_to("elsewhere")
    assert refusal(reopen, SpoolError).exit_status == 10
    (root / "SPOOL").unlink()
    (root / "SPOOL").mkdir()
    refusal(reopen, SpoolError)


def test_a_wrong_farm_toml_names_the_key(reopen: Open, root: Path) -> None:
    (root / "farm.toml").write_text("[keep]\ndyas = 3\n")
    error = refusal(reopen, ConfigError)
    assert error.exit_status == 2
    assert "days" in str(error)


@pytest.mark.parametrize("data", [b"[keep", b"\xff\xfe[\0", b"[roots]\nproj = 3\n"])
def test_a_farm_toml_that_cannot_be_read_is_named(reopen: Open, root: Path, data: bytes) -> None:
    (root / "farm.toml").write_bytes(data)
    assert "farm.toml" in str(refusal(reopen, ConfigError))


def test_a_farm_toml_that_is_a_folder_is_named(reopen: Open, root: Path) -> None:
    (root / "farm.toml").mkdir()
    assert "farm.toml cannot be read" in str(refusal(reopen, SpoolError))


def test_farm_toml_is_what_the_farm_agrees_on(reopen: Open, root: Path) -> None:
    (root / "farm.toml").write_text('[roots]\nproj = { linux = "/mnt/p", darwin = "/mnt/p" }\n')
    assert reopen().local("{proj}/{{x}}/{other}") == "/mnt/p/{x}/{other}"


@pytest.mark.parametrize(
    "identity",
    [Identity("test0000"), Identity("a" * 40, 1, "artists", trusts_share=True)],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_spool_file_says_what_init_wrote(identity: Identity, ending: str) -> None:
    assert parse_identity(identity.text().replace("\n", ending)) == identity


def test_lines_that_a_later_release_adds_are_ignored() -> None:
    text = Identity("test0000").text() + "colour: blue\nx-mine: 1\n"
    assert parse_identity(text) == Identity("test0000")


def test_another_farms_folder_is_not_ours(reopen: Open, root: Path) -> None:
    spool = reopen()
    assert is_mounted(spool)
    (root / "SPOOL").write_text(Identity("other000").text())
    assert not is_mounted(spool)
    (root / "SPOOL").unlink()
    assert not is_mounted(spool)
