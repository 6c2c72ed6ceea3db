"""Runs inside a Blender that stays open: acts out one command line after the other.

The daemon holds the other end of the socket that is our stdin.  Each line of it is a request: a
file to open, and Blender's options in their order.  The answer comes when all that was printed is
out.  What Blender itself would do otherwise than Python can is refused before anything is
rendered; the daemon then starts a Blender of its own for it.  Nothing of one request is left for
the next: handlers, environment, arguments and folder are set anew, and the file is opened again
unless the same job goes on with a file of which nothing changed.
It imports nothing of ours but process.py, and knows Blender 2.93 to 5.x and the package bpy.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import sys
import time
import traceback
import types
from collections.abc import Callable
from typing import Any

#: the package bpy is imported by us, a Blender that runs us has it in place
IS_PACKAGE = "bpy" not in sys.modules
LIMIT = 1_048_574
STATS_SECONDS = 0.5  #: between two lines about a frame, where we print them


def take_stdin() -> socket.socket:
    """The channel; scripts that read stdin find its end, as in any other command."""
    channel = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return channel


channel = take_stdin()
if IS_PACKAGE:
    sys.path.pop(0)  # our own folder, whose names are nobody's modules
import bpy  # noqa: E402


def neighbour(name: str) -> Any:
    """A module beside this script, whose folder is on nobody's path."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"renderd_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


process = neighbour("process")


class Refused(Exception):
    """The command line itself must do this; nothing was rendered yet."""


class Stop(Exception):
    """The command would have ended here, with this exit status."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class Stage:
    """The open file and the request that is acted out on it."""

    def __init__(self, baseline: Any) -> None:
        self.baseline = baseline
        self.opened: Any = None  #: of which request the file is open, and as it was on disk
        self.files: dict[str, Any] = {}  #: what the file reads besides, as it was then
        self.scripts: dict[Any, types.CodeType] = {}
        self.modules: list[types.ModuleType] = []
        self.scene: Any = None
        self.files_scene = ""
        self.start = self.end = self.step = 1
        self.exit_code = 0
        self.has_rendered = False
        self.frame = 0
        self.stats_at = 0.0

    def act(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do all of it; what is to be answered."""
        self.exit_code, self.has_rendered = 0, False
        answer: dict[str, Any] = {"status": 0}
        try:
            self.baseline.restore(request["environ"], request["folder"], request["argv"])
            answer["opened"] = self._open(request)
            for name, value in request["steps"]:
                self._actions()[name](value)
        except Refused as refusal:
            answer["status"], answer["refused"] = 1, str(refusal)
        except Stop as stop:
            answer["status"] = stop.status
        except SystemExit as leave:
            answer["status"] = leave.code if isinstance(leave.code, int) else int(bool(leave.code))
        except BaseException:
            traceback.print_exc()
            answer["status"] = 1
        self._undo()
        if answer["status"] or not request["keeps"]:
            self.opened = None
        answer["is_worn"] = self.baseline.is_worn()
        return answer

    def _actions(self) -> dict[str, Callable[[str], None]]:
        return {
            "-S": self._set_scene,
            "-o": lambda value: setattr(self.scene.render, "filepath", value),
            "-s": lambda value: setattr(self, "start", self._frame(value, self.start)),
            "-e": lambda value: setattr(self, "end", self._frame(value, self.end)),
            "-j": lambda value: setattr(self, "step", min(max(self._number(value), 1), LIMIT)),
            "-t": self._set_threads,
            "-F": self._set_format,
            "-x": lambda value: setattr(self.scene.render, "use_file_extension", value == "1"),
            "-E": self._set_engine,
            "-a": lambda _: self._render(self.start, self.end, self.step),
            "-f": self._render_single,
            "-P": self._run_file,
            "--python-expr": lambda value: self._run(compile(value, "<string>", "exec"), ""),
            "--python-exit-code": lambda value: setattr(self, "exit_code", self._number(value)),
        }

    def _undo(self) -> None:
        """Let our own scripts take back what they changed in the open file."""
        for module in reversed(self.modules):
            restore = getattr(module, "restore", None)
            if callable(restore):
                try:
                    restore()
                except Exception:
                    traceback.print_exc()
                    self.opened = None
        self.modules.clear()

    # -- the file

    def _open(self, request: dict[str, Any]) -> bool:
        """Open the file, unless it is open and nothing changed; whether it was opened."""
        path = os.path.abspath(request["file"])
        key = [request["key"], path, _stamp(path)]
        if request["keeps"] and self.opened == key and self._is_as_it_was():
            self._adopt(bpy.data.scenes[self.files_scene])
            self._listen()
            return False
        self.opened = None
        how = {"load_ui": not IS_PACKAGE and bpy.context.preferences.filepaths.use_load_ui}
        try:
            bpy.ops.wm.open_mainfile(filepath=path, use_scripts=request["runs_scripts"], **how)
        except RuntimeError as error:  # most of it Blender has printed
            say(str(error).strip())
            raise Stop(1) from error
        self.opened = key
        self._adopt(bpy.context.scene)
        self.files_scene = self.scene.name
        self.files = {one: _stamp(one) for one in _outside_files()} if request["keeps"] else {}
        self._listen()
        return True

    def _is_as_it_was(self) -> bool:
        return all(_stamp(path) == was for path, was in self.files.items())

    def _set_scene(self, name: str) -> None:
        scene = bpy.data.scenes.get(name)
        if scene is None:
            raise Refused(f"there is no scene {name!r}")
        if bpy.context.window:
            bpy.context.window.scene = scene
        self._adopt(scene)

    def _adopt(self, scene: Any) -> None:
        self.scene = scene
        self.start, self.end = scene.frame_start, scene.frame_end
        self.step = scene.frame_step

    # -- settings

    def _set_threads(self, value: str) -> None:
        """Of the package alone: Blender has them from its start."""
        if self._number(value):
            self.scene.render.threads_mode = "FIXED"
            self.scene.render.threads = self._number(value)

    def _set_engine(self, value: str) -> None:
        names = [value]
        if IS_PACKAGE and value.startswith("BLENDER_EEVEE"):
            names += ["BLENDER_EEVEE_NEXT", "BLENDER_EEVEE"]
        for name in names:
            with contextlib.suppress(TypeError):
                self.scene.render.engine = name
                return
        raise Refused(f"there is no engine {value!r}")

    def _set_format(self, value: str) -> None:
        settings = self.scene.render.image_settings
        before = settings.color_mode, settings.color_depth
        try:
            if hasattr(settings, "media_type"):
                settings.media_type = _media_type(value)
            settings.file_format = value
        except TypeError as error:
            raise Refused(f"there is no format {value!r}") from error
        # The command line leaves them alone, also where the format has no such depth.
        if not IS_PACKAGE and (settings.color_mode, settings.color_depth) != before:
            raise Refused("the format has other colours than the file's")

    @staticmethod
    def _number(value: str) -> int:
        try:
            return int(value)
        except ValueError as error:
            raise Refused(f"{value!r} is no number") from error

    def _frame(self, value: str, present: int) -> int:
        """A frame as Blender counts it: signed ones are relative."""
        number = self._number(value)
        if value[:1] in ("+", "-"):
            number += present
        return min(max(number, -LIMIT), LIMIT)

    # -- rendering

    def _render(self, start: int, end: int, step: int) -> None:
        self._demand(start >= 0, "Python sets no negative range")
        self._demand(start <= end, "there is nothing to render")
        scene = self.scene
        # RNA pushes one end along with the other, so the end is set on both sides.
        scene.frame_end = end
        scene.frame_start = start
        scene.frame_end = end
        scene.frame_step = step
        self._call()

    def _render_single(self, value: str) -> None:
        """Single frames, whose line leaves the scene's range alone."""
        scene, render = self.scene, self.scene.render
        self._demand(all(p.isdigit() for p in value.split(",")), "only Blender counts from the end")
        self._demand(not render.use_stamp_frame_range, "the frames show the scene's range")
        before = scene.frame_start, scene.frame_end
        for frame in map(int, value.split(",")):
            self._render(frame, frame, scene.frame_step)
        scene.frame_end = before[1]
        scene.frame_start, scene.frame_end = before

    def _demand(self, holds: bool, why: str) -> None:
        """Raise Refused before the first frame; later it is an error like any other."""
        if not holds and self.has_rendered:
            say(f"Error: {why}")
            raise Stop(1)
        if not holds:
            raise Refused(why)

    def _call(self) -> None:
        self.has_rendered = True
        try:
            bpy.ops.render.render(animation=True, scene=self.scene.name)
        except RuntimeError as error:
            say(str(error).strip())
            raise Stop(1) from error

    def _listen(self) -> None:
        """From 5.0 on the package is silent while it renders, so we say where it is."""
        if IS_PACKAGE and bpy.app.version >= (5, 0, 0):
            bpy.app.handlers.render_pre.append(self._show_frame)
            bpy.app.handlers.render_stats.append(self._show_stats)

    def _show_frame(self, scene: Any, *_: object) -> None:
        self.frame = scene.frame_current
        say(f"Fra:{self.frame} | Rendering")

    def _show_stats(self, stats: object, *_: object) -> None:
        now = time.monotonic()
        if now - self.stats_at >= STATS_SECONDS:
            self.stats_at = now
            say(f"Fra:{self.frame} | {stats}")

    # -- Python

    def _run_file(self, path: str) -> None:
        try:
            self._run(self._compiled(path), path)
        except OSError as error:
            say(f"Error: cannot read the script: {error}", sys.stderr)
            self._fail_script()

    def _compiled(self, path: str) -> types.CodeType:
        """Its code; a chunk must not pay for reading what the last one read."""
        key = path, _stamp(path)
        if key not in self.scripts:
            with open(path, "rb") as file:
                self.scripts[key] = compile(file.read(), path, "exec")
        return self.scripts[key]

    def _run(self, code: types.CodeType, path: str) -> None:
        """As Blender runs a script: in a `__main__` of its own."""
        module = types.ModuleType("__main__")
        if path:
            module.__file__ = path
        self.modules.append(module)
        before = sys.modules["__main__"]
        sys.modules["__main__"] = module
        try:
            exec(code, module.__dict__)  # noqa: S102 - this is what -P is for
        except Exception:
            traceback.print_exc()
            self._fail_script()
        finally:
            sys.modules["__main__"] = before

    def _fail_script(self) -> None:
        if self.exit_code:
            say(f"Error: script failed, exiting with {self.exit_code}", sys.stderr)
            raise Stop(self.exit_code)


def say(text: str, stream: Any = None) -> None:
    """Print at once: the daemon reads along."""
    print(text, file=stream or sys.stdout, flush=True)


def _media_type(name: str) -> str:
    if name in {"FFMPEG", "AVI_RAW", "AVI_JPEG", "FRAMESERVER"}:
        return "VIDEO"
    return "MULTI_LAYER_IMAGE" if name == "OPEN_EXR_MULTILAYER" else "IMAGE"


def _stamp(path: str) -> tuple[int, ...] | None:
    """What changes when a file does; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _outside_files() -> set[str]:
    """What else is read for the open file: libraries, textures, caches, sounds."""
    found = set()
    for name in ("libraries", "images", "movieclips", "sounds", "fonts", "cache_files", "volumes"):
        for block in getattr(bpy.data, name, ()):
            path = block.filepath
            if path and not path.startswith("<"):
                library = getattr(block, "library", None)
                found.add(os.path.normpath(bpy.path.abspath(path, library=library)))
    return found


def _tell(answer: dict[str, Any]) -> None:
    channel.sendall(json.dumps(answer).encode("ascii") + b"\n")


def _prepare_package() -> None:
    """What Blender says and does with its own options at a start."""
    say(f"Blender {bpy.app.version_string} (as a Python package)")
    options = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    if "--factory-startup" in options:
        bpy.ops.wm.read_factory_settings()
    if "--addons" in options:
        enable = importlib.import_module("addon_utils").enable
        for name in options[options.index("--addons") + 1].split(","):
            if enable(name) is None:
                say(f"Error: the add-on '{name}' cannot be enabled")
                os._exit(1)


def serve() -> None:
    """Answer requests until the daemon closes its end."""
    if IS_PACKAGE:
        _prepare_package()
    stage = Stage(process.Baseline())
    process.flush()
    _tell({"ready": list(bpy.app.version)})
    with channel.makefile("rb") as requests:
        for line in requests:
            before = process.cpu()
            process.forget_peak()
            answer = stage.act(json.loads(line))
            process.flush()
            _tell({**answer, **process.sizes(), "cpu": process.cpu() - before})


with contextlib.suppress(OSError):  # the daemon is gone
    serve()
if IS_PACKAGE:  # the package of 4.2 crashes while Python takes it down
    os._exit(0)
