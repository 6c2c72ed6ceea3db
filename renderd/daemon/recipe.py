"""What exactly is started for a chunk: words, environment, private output."""

import os
import re
import sys
from collections.abc import Mapping, Sequence

from renderd import blender
from renderd.blender.versions import BlenderProgram, choose
from renderd.core import command, frames, infofile, needs
from renderd.core.farm import inside
from renderd.core.job import Writes, out_of
from renderd.daemon.work import Work
from renderd.errors import RenderdError
from renderd.spool.layout import Spool

TEMPLATES_SINCE = (5, 0, 0)  #: the Blender that began to fill variables into output paths
#: Blender says nothing of a missing texture: this script does, before the first frame.
_CHECK = ("-P", os.path.join(os.path.dirname(blender.__file__), "missing_files.py"))
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SHELL")
_KEPT_PREFIXES = ("XDG_", "LC_", "DISPLAY", "WAYLAND_", "CUDA_", "HIP_", "LD_LIBRARY_PATH", "OCIO")


class NoBlender(RenderdError):
    """None of this machine's Blenders is one that the job takes."""


def command_lines(
    spool: Spool, work: Work, missing: Sequence[int], blenders: Sequence[BlenderProgram]
) -> list[tuple[str, ...]]:
    """The argument vectors that make the missing frames, writing where they are verified."""
    return [_words(spool, work, w, missing, blenders) for w in work.commands]


def _words(
    spool: Spool,
    work: Work,
    words: tuple[str, ...],
    missing: Sequence[int],
    blenders: Sequence[BlenderProgram],
) -> tuple[str, ...]:
    roots = spool.farm.roots_on(sys.platform)
    words = infofile.fill(words, roots)
    output, run = work.output, work.claim.chunk.run
    program = _program(words, work, blenders)
    if command.is_blender(words):
        words = _governed(words, spool)
    if output is not None and output.writes in (Writes.PRIVATE, Writes.MOVIE) and run is not None:
        private = f"{output.private(work.claim.stem)}/{output.pattern}"
        words = _redirected(words, f"{output.folder}/{output.pattern}", private, work)
        if command.is_blender(words):
            words = _blender_words(words, work, missing, _as_said_to(program, private))
    words = command.before_rendering(words, _CHECK) if os.path.exists(_CHECK[1]) else words
    return program.words + words[1:] if program is not None else words


def _governed(words: tuple[str, ...], spool: Spool) -> tuple[str, ...]:
    """What farm.toml says of scripts in files, add-ons and devices holds for every job."""
    farm = spool.farm
    found = command.parse(words)
    trusted = [spool.local(folder) for folder in farm.trusted]
    is_trusted = found is not None and bool(found.blend) and inside(found.blend, trusted)
    autoexec = farm.autoexec == "on" or (farm.autoexec == "trusted" and is_trusted)
    device = "CPU" if farm.device == "cpu" else ""
    return command.governed(words, autoexec=autoexec, addons=farm.addons, device=device)


def _blender_words(
    words: tuple[str, ...], work: Work, missing: Sequence[int], private: str
) -> tuple[str, ...]:
    run = work.claim.chunk.run
    assert run is not None
    is_whole = work.job.info.whole or work.job.writes is Writes.MOVIE
    if is_whole or len(missing) == len(run):
        return command.finish(words, run, private)
    return command.for_runs(words, frames.gather(missing), private)


def _redirected(words: tuple[str, ...], final: str, private: str, work: Work) -> tuple[str, ...]:
    run = work.claim.chunk.run
    pairs = [(final, private), (out_of(final, run), out_of(private, run))]
    for old, new in pairs:
        words = tuple(word.replace(old, new) for word in words)
    return words


def _program(
    words: tuple[str, ...], work: Work, blenders: Sequence[BlenderProgram]
) -> BlenderProgram | None:
    """`blender` alone means the one nearest to the file's own; a path means just that one."""
    if words[0] != "blender":
        return next((b for b in blenders if b.words == words[:1]), None)
    spec = work.job.info.needs.blender
    fitting = [b for b in blenders if not spec or (b.version and needs.fits(spec, b.version))]
    made = dict(work.job.info.extra).get("x-blend-version", "")
    if re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,2}", made):
        major, _, minor = made.partition(".")
        if nearest := choose(fitting, 100 * int(major) + int(minor)):
            return nearest
    if spec and blenders and not fitting:
        raise NoBlender(f"no Blender {spec} is on this machine any more")
    return next(iter(fitting), None)


def _as_said_to(program: BlenderProgram | None, path: str) -> str:
    """The output path as this Blender reads it: from 5.0 on, braces hold variables."""
    if program is None or program.version is None or program.version < TEMPLATES_SINCE:
        return path
    return path.replace("{", "{{").replace("}", "}}")


def base(inherited: Mapping[str, str]) -> dict[str, str]:
    """What of the daemon's own environment every command gets; the same for all of them."""
    kept = {k: v for k, v in inherited.items() if k in _KEPT or k.startswith(_KEPT_PREFIXES)}
    return {"PATH": os.defpath, **kept}


def environment(spool: Spool, work: Work, node: str, kept: Mapping[str, str]) -> dict[str, str]:
    """The command's whole environment: a clean base, ours, and what the job may add."""
    chunk = work.claim.chunk
    ours = {
        "RENDERD_SPOOL": spool.root,
        "RENDERD_NODE": node,
        "RENDERD_INCARNATION": chunk.owner,
        "RENDERD_JOB": work.job.jid,
        "RENDERD_JOB_NAME": work.job.name,
        "RENDERD_CHUNK": str(chunk.index),
        "RENDERD_FRAMES": frames.text((chunk.run,)) if chunk.run is not None else "",
        "RENDERD_ATTEMPT": str(chunk.attempt),
    }
    if spool.farm.scripts:
        ours["BLENDER_USER_SCRIPTS"] = spool.local(spool.farm.scripts)
    if work.output is not None:
        ours["RENDERD_OUT"] = f"{work.output.folder}/{work.output.pattern}"
    if chunk.run is not None:
        ours["RENDERD_START"], ours["RENDERD_END"] = str(chunk.run.first), str(chunk.run.last)
    return {**kept, **ours, **dict(work.job.info.env)}


def working_folder(environ: Mapping[str, str]) -> str:
    """Where commands start: the user's home, which every node has; else the root."""
    home = environ.get("HOME", "")
    return home if home and os.path.isdir(home) else "/"
