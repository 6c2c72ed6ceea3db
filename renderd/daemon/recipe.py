"""What exactly is started for a chunk: words, environment, private output."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence

from renderd import blender
from renderd.blend import container
from renderd.blend.header import read_header
from renderd.blender.abilities import Wanted
from renderd.blender.versions import BlenderProgram, choose, too_new
from renderd.core import command, frames, infofile, policy
from renderd.core.farm import may_run
from renderd.core.job import Job, Writes, out_of
from renderd.core.label import label
from renderd.core.source import original
from renderd.daemon import film
from renderd.daemon.work import Work
from renderd.errors import BlendError, RenderdError
from renderd.spool.allowed import output_allowed
from renderd.spool.layout import Spool

TEMPLATES_SINCE = (5, 0, 0)  #: the Blender that began to fill variables into output paths
#: Blender says nothing of a missing texture, add-on or GPU: these do, before the first frame.
_CHECKS = tuple(
    word
    for name in ("machine.py", "complaints.py", "unbaked.py", "prologue.py")
    for word in ("-P", os.path.join(os.path.dirname(blender.__file__), "inside", name))
)
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SHELL")
_KEPT_PREFIXES = ("XDG_", "LC_", "DISPLAY", "WAYLAND_", "CUDA_", "HIP_", "LD_LIBRARY_PATH", "OCIO")


class NoBlender(RenderdError):
    """This node has no Blender that may run the job; another may have."""


class NotAllowed(RenderdError):
    """A chunk's own file asks for what its job was not taken for; this node does not allow it."""


def demand_allowed(
    spool: Spool,
    work: Work,
    programs: Sequence[tuple[str, ...]],
    allows: Callable[[str], bool],
) -> None:
    """Raise NotAllowed where the chunk's own lines ask for what this machine refuses.

    Its job.info was asked when the job was chosen, but who can write to the spool can write
    something else into a chunk's file.  `programs` are lists that must all allow one.
    """
    roots = spool.farm.roots_on(sys.platform)
    for words in work.commands:
        if not all(may_run(words[0], allowed) for allowed in programs):
            raise NotAllowed(f"this node does not allow the program {label(words[0], 60)}")
        found = command.parse(infofile.fill(words, roots))
        out = command.resolve_out(found.out, found.blend) if found is not None else ""
        if out and not os.path.isabs(out):
            out = os.path.normpath(os.path.join(working_folder(os.environ), out))
        if out and not allows(out.rpartition("/")[0] or "/"):
            raise NotAllowed(f"this node does not allow output in {label(out, 200)}")


def demand_openable(words: Sequence[str], blenders: Sequence[BlenderProgram]) -> None:
    """Raise NoBlender where the file is newer than the Blender that would open it, or crash."""
    program = next((b for b in blenders if tuple(words[: len(b.words)]) == b.words), None)
    found = command.parse(words)
    if program is None or program.version is None or found is None or not found.blend:
        return
    try:
        with container.opened(found.blend) as source:
            saved_by = read_header(source).version_number
    except (BlendError, OSError):  # what Blender says of it will do
        return
    if why := too_new(saved_by, program.version):
        raise NoBlender(f"this node would take Blender {program.text}, but {why}")


def command_lines(
    spool: Spool, work: Work, missing: Sequence[int], blenders: Sequence[BlenderProgram]
) -> list[tuple[str, ...]]:
    """The argument vectors that make the missing frames, writing where they are verified."""
    lines = [_words(spool, work, w, missing, blenders) for w in work.commands]
    return film.prepared(spool, work, lines)


def _words(
    spool: Spool,
    work: Work,
    words: tuple[str, ...],
    missing: Sequence[int],
    blenders: Sequence[BlenderProgram],
) -> tuple[str, ...]:
    roots = spool.farm.roots_on(sys.platform)
    words = infofile.fill(words, roots)
    output, run = work.output, work.run
    at = _place(words)
    program = _program(words[at], work, blenders) if at is not None else None
    if command.is_blender(words):
        words = _governed(words, spool, work.job, program)
    if output is not None and output.writes in (Writes.PRIVATE, Writes.MOVIE) and run is not None:
        private = f"{output.private(work.stem)}/{output.pattern}"
        words = _redirected(words, f"{output.folder}/{output.pattern}", private, work)
        if command.is_blender(words):
            words = _blender_words(words, work, missing, _as_said_to(program, private))
    words = command.before_rendering(words, _CHECKS)
    if program is None or at is None:
        return words
    return (*words[:at], *program.words, *words[at + 1 :])


def _governed(
    words: tuple[str, ...], spool: Spool, job: Job, program: BlenderProgram | None
) -> tuple[str, ...]:
    """What farm.toml says of scripts in files, add-ons and devices holds for every job."""
    farm = spool.farm
    is_trusted = farm.autoexec == "trusted" and _is_trusted(words, spool, job)
    autoexec = farm.autoexec == "on" or is_trusted
    addons = program.addons if program is not None and program.addons else farm.addons
    is_free = farm.device == "auto"
    return command.governed(words, autoexec=autoexec, addons=addons, keeps_device=is_free)


def _is_trusted(words: tuple[str, ...], spool: Spool, job: Job) -> bool:
    """Whether every file that the command opens lies in a trusted folder, all links followed;
    of a copy also the file it was made of, or a link in such a folder would bring in any other."""
    found = command.parse(words)
    files = [o.value for o in found.options if not o.name] if found is not None else []
    if own := original(job.info):
        files.append(spool.local(own))
    trusted = [spool.local(folder) for folder in spool.farm.trusted]
    return bool(files and trusted) and all(output_allowed(path, trusted) for path in files)


def _blender_words(
    words: tuple[str, ...], work: Work, missing: Sequence[int], private: str
) -> tuple[str, ...]:
    run = work.run
    assert run is not None
    is_whole = work.job.info.whole or work.job.writes is Writes.MOVIE
    if is_whole or len(missing) == len(run):
        return command.finish(words, run, private)
    return command.for_runs(words, frames.gather(missing), private)


def _redirected(words: tuple[str, ...], final: str, private: str, work: Work) -> tuple[str, ...]:
    run = work.run
    pairs = [(final, private), (out_of(final, run), out_of(private, run))]
    for old, new in pairs:
        words = tuple(word.replace(old, new) for word in words)
    return words


def _place(words: Sequence[str]) -> int | None:
    """Where in the words Blender's own name or path stands; None where nobody can put another."""
    found = command.parse(words)
    if found is None or "run" in found.program or "-m" in found.program:
        return None  # a sandbox or a Python starts it
    return len(found.program) - 1


def _program(word: str, work: Work, blenders: Sequence[BlenderProgram]) -> BlenderProgram | None:
    """`blender` alone means the one nearest to the file's own; a path means just that one.

    Raises NoBlender where the wrong one would run.
    """
    is_open = word == "blender"
    meant = [b for b in blenders if is_open or b.words == (word,)]
    fitting = [b for b in meant if b.version is None or policy.may_open(b.version, work.job)]
    if able := [b for b in fitting if not b.fault]:
        major, _, minor = policy.saved_by(work.job).partition(".")
        nearest = choose(able, 100 * int(major) + int(minor)) if major else None
        return nearest or able[0]
    if fitting:
        raise NoBlender(f"this node {fitting[0].fault}")
    if meant:
        here = ", ".join(b.text for b in meant)
        raise NoBlender(f"no Blender of this node fits the job (here: {here})")
    return None


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
        "RENDERD_FRAMES": frames.text((work.run,)) if work.run is not None else "",
        "RENDERD_ATTEMPT": str(chunk.attempt),
    }
    ours |= blender_variables(spool)
    if work.job.info.blend:  # for scripts: what Blender opens may be a copy of another name
        ours["RENDERD_BLEND"] = spool.local(original(work.job.info))
    if work.output is not None:
        ours["RENDERD_OUT"] = f"{work.output.folder}/{work.output.pattern}"
        if work.output.writes in (Writes.PRIVATE, Writes.MOVIE):
            ours["RENDERD_PRIVATE"] = work.output.private(work.stem)
    if work.job.info.whole or (work.job.chunks == 1 and work.frames_done == 0):
        ours["RENDERD_WHOLE"] = "yes" if work.job.info.whole else "run"
    if work.run is not None:
        ours["RENDERD_START"], ours["RENDERD_END"] = str(work.run.first), str(work.run.last)
    return {**kept, **ours, **{k: spool.local(v) for k, v in work.job.info.env}}


def blender_variables(spool: Spool) -> dict[str, str]:
    """What farm.toml says of scripts, add-ons and the device, for Blender and our script in it."""
    farm = spool.farm
    wanted = Wanted(addons=farm.addons, device=farm.device, environ={})
    scripts = {"BLENDER_USER_SCRIPTS": spool.local(farm.scripts)} if farm.scripts else {}
    return {**wanted.variables(), **scripts}


def temp_folder(environ: Mapping[str, str]) -> str:
    """Where commands put what they need for a moment, on this machine's own disk."""
    return environ.get("TMPDIR", "") or tempfile.gettempdir()


def working_folder(environ: Mapping[str, str]) -> str:
    """Where commands start: the user's home, which every node has; else the root."""
    home = environ.get("HOME", "")
    return home if home and os.path.isdir(home) else "/"
