"""A farm with a key runs what is signed for it, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from renderd.errors import SpoolUnsafe
from renderd.spool import trust
from renderd.spool.layout import Spool


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "farm.key"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(0o600)
    return path


def renderd(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import renderd.daemon.app as a; raise SystemExit(a.main())"]
    return subprocess.run(
        [*command, *words], input=text, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("text", ["echo hello\n", "frames: 1-3\n\necho {start}\n"])
def test_a_file_signed_by_the_verb_is_accepted(spool: Spool, key: Path, text: str) -> None:
    done = renderd("sign", "-", "--spool", spool.root, "--key", str(key), text=text)
    assert done.returncode == 0, done.stderr
    path = Path(spool.at("x.info"))
    path.write_text(done.stdout)
    path.chmod(0o644)
    policy = trust.policy_of(spool, trust.read_key(str(key)))
    assert trust.check_drop(spool.share, str(path), policy).decode() == done.stdout


def test_signing_without_a_key_says_what_is_missing(spool: Spool) -> None:
    done = renderd("sign", "-", "--spool", spool.root)
    assert done.returncode == 2
    assert "--key FILE" in done.stderr


def test_a_key_that_others_can_read_or_that_is_not_there_is_refused(key: Path) -> None:
    os.chmod(key, 0o644)
    with pytest.raises(SpoolUnsafe, match="others can read"):
        trust.read_key(str(key))
    with pytest.raises(SpoolUnsafe, match="cannot be read"):
        trust.read_key(str(key) + ".none")
