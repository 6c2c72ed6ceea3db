"""farm.toml: what the whole farm agrees on.  Pure: no I/O."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from renderd.core import needs, table, template
from renderd.core.table import Table
from renderd.errors import ConfigError, RenderdError

FILE = "farm.toml"
PLATFORMS = ("linux", "darwin", "windows")
_ROOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]?|\\\\[^\\]|//[^/]")
_SECTIONS: dict[str, tuple[str, ...]] = {
    "blender": ("globs", "autoexec", "trusted", "scripts", "addons", "device", "warm"),
    "allow": ("programs", "outputs"),
    "keep": ("days", "gb"),
    "trust": ("share", "signed"),
    "chunks": ("auto", "tail"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One place that has another path on each platform; "" where a platform lacks it."""

    name: str
    linux: str = ""
    darwin: str = ""
    windows: str = ""

    def on(self, platform: str) -> str:
        """Return the path on a platform (`sys.platform` names it too), without a last slash."""
        return str(getattr(self, _platform(platform)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """What farm.toml says; the defaults hold where it is silent or absent."""

    roots: tuple[Root, ...] = ()
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()  #: node name, its tags
    blender: tuple[str, ...] = ()  #: globs of Blender programs, tried before PATH
    autoexec: str = "off"  #: scripts in .blend files: off, trusted (below `trusted`) or on
    trusted: tuple[str, ...] = ()
    scripts: str = ""  #: Blender's script folder, BLENDER_USER_SCRIPTS
    addons: tuple[str, ...] = ()
    device: str = "auto"  #: or cpu, gpu
    warm: bool = True  #: Blenders stay open between chunks
    programs: tuple[str, ...] = ()  #: what jobs may run; empty: anything
    outputs: tuple[str, ...] = ()  #: below what jobs may write; empty: anywhere
    keep_days: int = 30
    keep_gb: float = 5.0
    trust_share: bool = False  #: the share maps identities, so owners prove nothing
    signed: bool = False  #: only info files signed with the farm's key
    auto_s: float = 60.0  #: seconds of work that `chunk: auto` aims at
    tail: bool = True  #: `chunk: auto` gets smaller toward a job's end

    @staticmethod
    def template(*, trust_share: bool = False) -> str:
        """Return the commented farm.toml that `renderd init` writes; it says the defaults."""
        return TEMPLATE.replace("@SHARE@", "true" if trust_share else "false")

    def roots_on(self, platform: str) -> dict[str, str]:
        """Return name and path of the roots that a platform has."""
        return {root.name: root.on(platform) for root in self.roots if root.on(platform)}

    def expand_roots(self, text: str, platform: str) -> str:
        """Put the platform's paths in place of `{proj}`; other `{…}` stay, `{{` is a brace.

        A root that the platform lacks stays too: lacking_roots() names it.
        """
        return template.fill((text,), self.roots_on(platform))[0]

    def lacking_roots(self, text: str, platform: str) -> tuple[str, ...]:
        """Name the farm's roots that a text uses and the platform has no path for."""
        have = self.roots_on(platform)
        known = {root.name for root in self.roots}
        return tuple(name for name in template.used((text,)) if name in known and name not in have)

    def contract_roots(self, path: str, platform: str) -> str:
        """Write a platform's path as `{proj}/…` where a root holds it, the longest one first.

        The inverse of expand_roots(); a path that starts with a root's `{name}` stays as it is.
        """
        if path.startswith(tuple(f"{{{root.name}}}" for root in self.roots)):
            return path
        plain = _comparable(path, platform)
        roots = self.roots_on(platform).items()
        for name, folder in sorted(roots, key=lambda root: -len(root[1])):
            if inside(plain, (_comparable(folder, platform),)):
                rest = path[len(folder) :]
                slashed = rest.replace("\\", "/") if _platform(platform) == "windows" else rest
                return f"{{{name}}}{template.escape(slashed)}"
        return template.escape(path)

    def lacks(self, platform: str) -> frozenset[str]:
        """Name the roots that a platform has no path for."""
        return frozenset({root.name for root in self.roots} - set(self.roots_on(platform)))

    def tags_of(self, node: str) -> tuple[str, ...]:
        """Return the tags that the farm gives to a node."""
        return dict(self.tags).get(node, ())


def parse(text: str) -> Farm:
    """Read farm.toml; ConfigError names the key, what is wrong and the nearest valid one."""
    whole = Table(table.load(text, FILE), FILE, (*_SECTIONS, "roots", "tags"))
    blender, allow, keep, trust, chunks = (
        whole.table(name, known) for name, known in _SECTIONS.items()
    )
    return Farm(
        roots=_roots(whole.table("roots")),
        tags=_tags(whole.table("tags")),
        blender=blender.words("globs"),
        autoexec=blender.choice("autoexec", ("off", "trusted", "on")),
        trusted=_folders(blender, "trusted"),
        scripts=blender.text("scripts"),
        addons=blender.words("addons"),
        device=blender.choice("device", ("auto", "cpu", "gpu")),
        warm=blender.flag("warm", default=True),
        programs=allow.words("programs"),
        outputs=_folders(allow, "outputs"),
        keep_days=keep.whole("days", 30, 0, 36_500),
        keep_gb=float(keep.number("gb", 5, 0, 1_000_000)),
        trust_share=trust.flag("share"),
        signed=trust.flag("signed"),
        auto_s=chunks.duration("auto", 60),
        tail=chunks.flag("tail", default=True),
    )


def inside(path: str, folders: Iterable[str]) -> bool:
    """Tell whether a path lies in one of the folders, by its words alone, `..` never.

    Links are not looked at: who opens the path must do so.
    """
    if ".." in re.split(r"[/\\]", path):
        return False
    stems = (folder.rstrip("/") for folder in folders)
    return any(path == stem or path.startswith(stem + "/") for stem in stems)


def may_run(program: str, allowed: tuple[str, ...]) -> bool:
    """Tell whether a list of programs allows one; an empty list allows all.

    A bare name allows that name looked up on PATH; a path or glob allows that path.
    """
    if not allowed:
        return True
    return ".." not in program.split("/") and any(
        fnmatchcase(program, one) and program.count("/") == one.count("/") for one in allowed
    )


def _platform(name: str) -> str:
    if name.startswith("win"):
        return "windows"
    return "darwin" if name == "darwin" else "linux"


def _comparable(path: str, platform: str) -> str:
    """Return the path as its platform compares it: Windows knows no case and both slashes."""
    return path.replace("\\", "/").lower() if _platform(platform) == "windows" else path


def _roots(found: Table) -> tuple[Root, ...]:
    roots = []
    for name in found.keys():  # noqa: SIM118 - a Table is no mapping
        if not _ROOT_NAME.fullmatch(name) or name in template.NAMES:
            raise ConfigError(
                f"{FILE}: {name!r} is no name for a root",
                "use a-z, 0-9 and _, but not " + ", ".join(template.NAMES),
            )
        paths = found.table(name, PLATFORMS)
        roots.append(Root(name=name, **{one: _root_path(paths, one) for one in PLATFORMS}))
    return tuple(roots)


def _root_path(paths: Table, platform: str) -> str:
    path = paths.text(platform)
    short = path.rstrip("/\\") if platform == "windows" else path.rstrip("/")
    is_whole = _WINDOWS.match(path) if platform == "windows" else path.startswith("/")
    if path and not (is_whole and short):
        raise paths.wrong(platform, "a whole path below the top folder")
    return short


def _folders(found: Table, key: str) -> tuple[str, ...]:
    folders = found.words(key)
    if not all(folder.startswith(("/", "{")) or _WINDOWS.match(folder) for folder in folders):
        raise found.wrong(key, "whole paths, or paths below a root: {proj}/…")
    return folders


def _tags(found: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    try:
        return tuple(
            (node, tuple(needs.name(tag, "tag") for tag in found.words(node)))
            for node in found.keys()  # noqa: SIM118 - a Table is no mapping
        )
    except RenderdError as error:
        raise ConfigError(f"{FILE}: tags: {error.message}", error.remedy) from None


TEMPLATE = """\
# What the whole farm agrees on.  Every node reads this file; a line behind # says the default.
# All keys: docs/reference/farm-toml.md.  Check a change with `renderd doctor`.

# Places that have another path on each platform.  {proj}/shot010.blend in a job then means
# the right path on every node.
[roots]
# proj = { linux = "/mnt/proj", darwin = "/Volumes/proj", windows = 'P:\\proj' }

# Tags of nodes, for jobs with `needs: tag=…`.
[tags]
# ws07 = ["a6000", "fast"]

[blender]
# Where Blender programs lie, besides PATH; each node takes those that it has.
# globs = ["/opt/blender-*/blender", "{proj}/apps/blender-*/blender"]
# Scripts in .blend files: "off", "trusted" (files below the folders in `trusted`) or "on".
# autoexec = "off"
# trusted = ["{proj}/assets"]
# A folder of scripts for all nodes, and the add-ons to switch on; a node that lacks one takes no
# jobs for Blender.
# scripts = ""
# addons = []
# What Cycles renders on: "auto" as the file and Blender say, "cpu", or "gpu" where there is one.
# device = "auto"
# Whether Blender stays open between chunks, which saves its start and the opening of the file;
# what `render add` queues is cut by `chunk: auto` then, else into chunks of 10.
# warm = true

[allow]
# What jobs may run: names looked up on PATH, paths, globs.  Empty: anything.
# programs = ["blender", "/opt/blender-*/blender"]
# Below what jobs may write.  Empty: anywhere.
# outputs = ["{proj}/out"]

# How many days jobs that are over stay, with logs and history, and how many GB they may fill.
[keep]
days = 30
gb = 5

[trust]
# true: this share maps users, so the owner of a file proves nothing; who may write the share
# may run commands on every node.
share = @SHARE@
# true: only info files signed with the farm's key.
signed = false

# Jobs with `chunk: auto`: what a node takes at once.
[chunks]
# auto = "60s"   # so much of its own work
# tail = true    # less toward the end, so that all nodes finish together
"""
