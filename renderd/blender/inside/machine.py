"""Runs inside Blender: add-ons and the device Cycles renders on are as farm.toml says, or it ends.

The daemon runs it once for each Blender it finds, without a file, and again before the first frame
of every chunk: so what a node says it can do is what it does.  RENDERD_ADDONS and RENDERD_DEVICE
hold what farm.toml says.  It imports nothing of ours and knows Blender 2.93 to 5.x.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import addon_utils
import bpy

SAYS = "renderd:"
KINDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")


def run() -> list[str]:
    """Switch on what is asked for; why this machine cannot, a line each."""
    problems = [p for name in _wanted() if (p := _switch_on(name))]
    device = os.environ.get("RENDERD_DEVICE", "auto")
    if device == "cpu":
        _set_device("CPU")
    elif device == "gpu":
        names = _choose_gpus()
        if not names:
            problems.append("has no GPU that Cycles can use")
        else:
            _set_device("GPU")
            _say(f"renders on GPU: {', '.join(names)}")
    if device != "gpu" and bpy.context.scene.render.engine == "CYCLES":
        _say(f"renders on {bpy.context.scene.cycles.device}, as {_who(device)} says")
    return problems


def _who(device: str) -> str:
    return "farm.toml" if device == "cpu" else "the file"


def _wanted() -> list[str]:
    return [name for name in os.environ.get("RENDERD_ADDONS", "").split(",") if name]


def _switch_on(name: str) -> str:
    errors: list[str] = []
    for module in _modules_called(name):
        if addon_utils.check(module)[1] or _enable(module, errors):
            _say(f"add-on {name} is {module}")
            return ""
    version = "{}.{}".format(*bpy.app.version)
    why = f" ({errors[-1]})" if errors else ""
    return f"lacks the add-on {name!r} in Blender {version}{why}"


def _modules_called(name: str) -> Iterator[str]:
    """The modules that an add-on may be: since 4.2 many are extensions, `bl_ext.…` in front."""
    known = [module.__name__ for module in addon_utils.modules()]
    if name in known:
        yield name
    last = name.rpartition(".")[2]
    yield from (one for one in known if one != name and one.rpartition(".")[2] == last)


def _enable(module: str, errors: list[str]) -> bool:
    def failed(*_: object) -> None:
        errors.append(" ".join(str(sys.exc_info()[1]).split())[:120])

    return addon_utils.enable(module, persistent=True, handle_error=failed) is not None


def _set_device(kind: str) -> None:
    for scene in bpy.data.scenes:
        if hasattr(scene, "cycles"):
            scene.cycles.device = kind


def _choose_gpus() -> list[str]:
    """Switch on the GPUs of the first kind that has any; their names."""
    cycles = bpy.context.preferences.addons.get("cycles")
    for kind in KINDS if cycles is not None else ():
        found = _devices(cycles.preferences, kind)
        if found:
            for device in cycles.preferences.devices:
                device.use = device.type == kind
            return [f"{device.name} ({kind})" for device in found]
    return []


def _devices(preferences: Any, kind: str) -> list[Any]:
    try:
        preferences.compute_device_type = kind
    except TypeError:  # this Blender was built without
        return []
    return [d for d in preferences.get_devices_for_type(kind) if d.type == kind]


def _say(text: str) -> None:
    sys.stdout.write(f"{SAYS} {ascii(text)[1:-1]}\n")
    sys.stdout.flush()


try:
    _problems = run()
except Exception as error:
    _problems = [f"cannot prepare Blender: {error!r}"]
for _problem in _problems:
    _say(f"unable: {_problem}")
if _problems:
    with contextlib.suppress(OSError):
        os.rmdir(bpy.app.tempdir)  # what leaves in this way leaves it behind
    os._exit(3)
_say("this machine is ready")
