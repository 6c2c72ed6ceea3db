"""What farm.toml asks of a Blender and whether it can: its add-ons and the device.

Only Blender itself knows, and needs seconds to say so: a yes is kept in the state folder until
the program or the question changes, a no is asked again each time, since people mend it.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from renderd import blender
from renderd.blender.versions import BlenderProgram, file_key, read_json, write_json

SCRIPT = os.path.join(os.path.dirname(blender.__file__), "inside", "machine.py")
#: Add-ons load, and GPU drivers wake up; a Blender that takes longer hangs.
ANSWER_SECONDS = 180.0
_ADDON, _UNABLE, _READY = "renderd: add-on ", "renderd: unable: ", "renderd: this machine is ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What every Blender of the farm must be able to do."""

    addons: tuple[str, ...] = ()
    device: str = "auto"
    environ: Mapping[str, str]  #: what its commands get, BLENDER_USER_SCRIPTS among it

    def variables(self) -> dict[str, str]:
        """What the script inside Blender reads."""
        return {"RENDERD_ADDONS": ",".join(self.addons), "RENDERD_DEVICE": self.device}

    @property
    def is_nothing(self) -> bool:
        """True where every Blender will do."""
        return not self.addons and self.device != "gpu"


class AbilityCache:
    """The answers of Blenders that can, kept on disk."""

    NAME = "abilities.json"

    def __init__(self, state_dir: str) -> None:
        self._path = os.path.join(state_dir, self.NAME)
        self._known = read_json(self._path, str)

    def examine(self, program: BlenderProgram, wanted: Wanted) -> BlenderProgram:
        """The program with its fault, or with the modules of its add-ons; may take seconds."""
        if wanted.is_nothing:
            return program
        key = _key(program, wanted)
        known = self._known.get(key)
        if known is not None:
            return replace(program, addons=tuple(known))
        asked = ask(program.words, wanted)
        if not asked.fault:
            self._known[key] = list(asked.addons)
            write_json(self._path, self._known)
        return replace(program, fault=asked.fault, addons=asked.addons)


def ask(words: Sequence[str], wanted: Wanted) -> BlenderProgram:
    """What a Blender says of its add-ons and devices, started without the user's settings."""
    try:
        answer = subprocess.run(
            [*words, "--factory-startup", "-noaudio", "-b", "-P", SCRIPT],
            env={**wanted.environ, **wanted.variables()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return BlenderProgram(tuple(words), None, fault="has a Blender that does not answer")
    except OSError as error:
        fault = f"has a Blender that does not start: {error.strerror or error}"
        return BlenderProgram(tuple(words), None, fault=fault)
    return _heard(tuple(words), answer.stdout.decode("utf-8", "replace").splitlines())


def _heard(words: tuple[str, ...], lines: Sequence[str]) -> BlenderProgram:
    said = [line.removeprefix(_UNABLE) for line in lines if line.startswith(_UNABLE)]
    modules = [line.partition(" is ")[2] for line in lines if line.startswith(_ADDON)]
    if not said and _READY not in lines:
        last = next((line for line in reversed(lines) if line.strip()), "nothing")
        said = [f"has a Blender that does not start: it said {last[:120]}"]
    return BlenderProgram(words, None, fault="; ".join(said), addons=tuple(modules))


def _key(program: BlenderProgram, wanted: Wanted) -> str:
    scripts = wanted.environ.get("BLENDER_USER_SCRIPTS", "")
    asked = [*wanted.variables().values(), scripts]
    return "|".join([file_key(program.words[0]) or program.words[0], program.text, *asked])
