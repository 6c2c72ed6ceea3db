"""Coverage-guided fuzzing of the .blend reader; runs until something but BlendError escapes.

    python -m venv fuzz && fuzz/bin/pip install atheris zstandard
    fuzz/bin/python bench/fuzz_blend.py CORPUS -max_total_time=600 -timeout=5 -rss_limit_mb=512

CORPUS is a folder; an empty one is filled with small files of every age first, and with the
small ones among the given folders (`--seeds FOLDER`).  The first byte of an input says how the
rest is packed, so that damage also gets behind gzip and zstd.
"""

import gzip
import os
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "blend")]

import zstandard  # noqa: E402

with atheris.instrument_imports(include=["renderd"]):
    from renderd.blend import read, read_settings, read_thumbnail
    from renderd.errors import BlendError

import blendmaker  # noqa: E402

PACKS = {0: bytes, 1: lambda data: gzip.compress(data, 1), 2: zstandard.compress}
LONGEST_SEED = 1 << 17


def sow(corpus: Path, folders: list[Path]) -> None:
    """Fill an empty corpus: what the tests make, and what else is small."""
    rows = [(b"Alpha", 1, 10), (b"Beta", -5, 6)]
    values = {"id.name": b"SCShot", "camera": blendmaker.CAMERA, "r.efra": 9}
    seeds = [blendmaker.blend(age, rows, (4, 2)) for age in blendmaker.AGES]
    for age, structs in (
        (blendmaker.Age(306), blendmaker.MODERN),
        (blendmaker.Age(249, 4, "big"), blendmaker.OLD),
        (blendmaker.Age(502, is_large=True), blendmaker.MODERN),
    ):
        seeds.append(blendmaker.with_settings(age, structs, [values], rows))
    seeds += [blendmaker.gzipped(seeds[8], 3), blendmaker.zstded(seeds[8], 64)]
    for folder in folders:
        files = (path for path in sorted(folder.rglob("*.blend")) if path.is_file())
        seeds += [path.read_bytes() for path in files if path.stat().st_size <= LONGEST_SEED]
    for number, seed in enumerate(seeds):
        for pack in PACKS:
            (corpus / f"seed{number:03}-{pack}").write_bytes(bytes([pack]) + seed)


def survive(data: bytes) -> None:
    """Ask everything of one input; whatever is no BlendError ends the run."""
    if not data:
        return
    os.truncate(PLACE, 0)
    with open(PLACE, "wb") as file:
        file.write(PACKS[data[0] % len(PACKS)](data[1:]))
    for ask in (read, read_thumbnail, read_settings):
        try:
            ask(PLACE)
        except BlendError as error:
            if not str(error).isprintable():
                raise RuntimeError(f"not one printable line: {error!r}") from error


def main() -> None:
    words, folders = [], []
    rest = iter(sys.argv)
    for word in rest:
        if word == "--seeds":
            folders.append(Path(next(rest)))
        else:
            words.append(word)
    corpus = Path(next(word for word in words[1:] if not word.startswith("-")))
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        sow(corpus, folders)
    atheris.Setup(words, survive)
    atheris.Fuzz()


if __name__ == "__main__":
    with tempfile.NamedTemporaryFile(suffix=".blend") as made:
        PLACE = made.name
        main()
