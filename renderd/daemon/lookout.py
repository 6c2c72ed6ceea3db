"""Finds out beside the work what this machine can do, and tells it to the spool."""

import contextlib
import glob
import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import renderd
from renderd.blender.abilities import AbilityCache, Wanted
from renderd.blender.versions import BlenderProgram, VersionCache, find_blenders
from renderd.config import Settings
from renderd.core import template
from renderd.core.policy import Able
from renderd.daemon import recipe
from renderd.daemon.node import Node
from renderd.host import facts, wake
from renderd.host.gpu import find_gpus
from renderd.spool import mount, moves
from renderd.spool.layout import Spool

#: People install Blenders and add-ons and start nothing anew.
AGAIN_EVERY = 300.0
_log = logging.getLogger(__name__)


class Lookout(threading.Thread):
    """Looks around once at the start and whenever it is told to; the node's `able` says what for.

    What it asks takes seconds: Blenders for their versions and add-ons, drivers for their GPUs.
    """

    def __init__(
        self, node: Node, settings: Settings, state_dir: str, told: Callable[[], None]
    ) -> None:
        super().__init__(name="look around", daemon=True)
        self.settings = settings
        self._node, self._told = node, told
        self._state_dir = state_dir
        self._gpus: list[str] | None = None  #: None while they are to be looked for
        self._card = ""  #: hardware address of the network card toward the share
        self._again = threading.Event()
        self._changes = threading.Lock()

    def run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:  # one broken installation must not end all further looks
                _log.exception("what this machine can do cannot be told")
            self._again.wait(AGAIN_EVERY)
            self._again.clear()

    def look_again(self) -> None:
        """A Blender could not do what it said, or settings have changed: ask all anew."""
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self._state_dir, AbilityCache.NAME))
        self._gpus = None
        self._again.set()

    def look(self) -> None:
        """One look at everything; what runs meanwhile goes on with what was known."""
        spool = self._node.spool
        self._card = card_toward_share(spool.root) or self._card
        found = find_blenders(
            globs(spool, self.settings),
            os.environ.get("PATH", os.defpath),
            VersionCache(self._state_dir),
        )
        abilities, wanted = AbilityCache(self._state_dir), wanted_of(spool)
        self._node.programs[:] = [abilities.examine(program, wanted) for program in found]
        faults = faults_of(self._node.programs)
        for fault in sorted(set(faults.values()) - set(self._node.able.faults.values())):
            _log.warning("this node %s", fault)
        self._learn(blenders=versions_of(self._node.programs), knows_blenders=True, faults=faults)
        if self._gpus is None:  # not each time: it wakes GPUs that sleep
            self._gpus = [gpu.name for gpu in find_gpus()]
        self._learn(has_gpu=bool(self._gpus), knows_gpus=True, has_ffmpeg=_has_ffmpeg())

    def _learn(self, **fields: Any) -> None:
        if replace(self._node.able, **fields) != self._node.able:
            self.change(**fields)

    def change(self, **fields: Any) -> None:
        """Take over what the node can do now, and tell it to the spool."""
        with self._changes:
            self._node.able = replace(self._node.able, **fields)
            told = facts_of(self._node) | {"gpus": self._gpus or [], "card": self._card}
            with contextlib.suppress(OSError):
                path = self._node.spool.node(self._node.inc, "node.info")
                moves.write(
                    self._node.spool, path, json.dumps(told, separators=(",", ":")).encode()
                )
        self._told()


def card_toward_share(root: str) -> str:
    """The hardware address of the card through which this machine sees the share."""
    found = mount.find_mount(root)
    return wake.card_toward(found.options.get("addr", "") if found else "")


def globs(spool: Spool, settings: Settings) -> list[str]:
    """Where Blenders lie on this machine; a root's path is no pattern, whatever signs it has."""
    roots = {k: glob.escape(v) for k, v in spool.farm.roots_on(sys.platform).items()}
    return [*settings.blender, *template.fill(spool.farm.blender, roots)]


def wanted_of(spool: Spool) -> Wanted:
    """What farm.toml asks of every Blender, in the environment that commands get."""
    environ = {**recipe.base(os.environ), **recipe.blender_variables(spool)}
    return Wanted(addons=spool.farm.addons, device=spool.farm.device, environ=environ)


def versions_of(programs: list[BlenderProgram]) -> tuple[str, ...]:
    """The versions that are known, each once, newest first."""
    return tuple(dict.fromkeys(p.text for p in programs if p.version is not None))


def faults_of(programs: list[BlenderProgram]) -> Mapping[str, str]:
    """The versions of which no program can render as farm.toml asks, and why."""
    whole = {p.text for p in programs if not p.fault}
    return {p.text: p.fault for p in programs if p.fault and p.text not in whole}


def able_of(settings: Settings, spool: Spool, name: str, inc: str) -> Able:
    """What is known at once of what this node can do."""
    return Able(
        name=name,
        inc=inc,
        pools=frozenset(settings.pools),
        tags=frozenset((*settings.tags, *spool.farm.tags_of(name))),
        ram_bytes=ram_of(settings),
        knows_blenders=False,
        knows_gpus=False,
        lacks=spool.farm.lacks(sys.platform),
        programs=(settings.programs, spool.farm.programs),
        has_ffmpeg=_has_ffmpeg(),
    )


def _has_ffmpeg() -> bool:
    return shutil.which("ffmpeg", path=recipe.base(os.environ)["PATH"]) is not None


def ram_of(settings: Settings) -> int:
    """Bytes of memory that jobs may have on this machine."""
    whole = facts.memory_sizes()[0]
    return min(whole, settings.memory or whole)


def facts_of(node: Node) -> dict[str, Any]:
    """What stands in node.info: what does not change while the daemon runs, or seldom."""
    known = facts.read_facts()
    able = node.able
    return {
        "schema": 1,
        "node": node.name,
        "inc": node.inc,
        "host": known.host,
        "system": known.system,
        "kernel": known.kernel,
        "machine": known.machine,
        "cores": known.cores,
        "ram": able.ram_bytes,
        "swap": known.swap_bytes,
        "slots": node.slots,
        "pools": sorted(able.pools),
        "tags": sorted(able.tags),
        "blenders": list(able.blenders) if able.knows_blenders else None,
        "faults": dict(able.faults),
        "gpu": able.has_gpu if able.knows_gpus else None,
        "ffmpeg": able.has_ffmpeg,
        "lacks": sorted(able.lacks),
        "programs": able.programs,
        "outputs": node.outputs,
        "version": renderd.__version__,
        "pid": os.getpid(),
    }
