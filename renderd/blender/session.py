"""Blender's options acted out, one after another, on the bpy package.

Stricter than Blender where Blender would go on with something else: an unknown scene, an
unknown format or a word that is no number ends the run with status 1.
"""

import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import bpy

from renderd.blender.formats import ARGUMENTS, MOVIES
from renderd.core.options import Option, value_count

_LIMIT = 1_048_574
#: Two progress lines a second are enough for a person and spare the log.
_STATS_SECONDS = 0.5


class Stop(Exception):
    """The run ends here, with this exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class Session:
    """One command line being acted out; knows the scene and the range set so far."""

    def __init__(self, options: Sequence[Option]) -> None:
        self._options = options
        names = [option.name for option in options]
        self._runs_scripts = [name for name in names if name in ("-y", "-Y")][-1:] == ["-y"]
        self._is_factory = "--factory-startup" in names
        self._exit_code = 0  #: of --python-exit-code
        self._threads = 0
        self._scene: Any = None
        self._start = self._end = self._step = 1
        self._now = 0  #: the frame being rendered
        self._stats_at = 0.0

    def play(self) -> int:
        """Act out every option; the exit status Blender should have had."""
        say(f"Blender {bpy.app.version_string} (as a Python package)")
        status = 0
        try:
            if self._is_factory:
                bpy.ops.wm.read_factory_settings()
            self._threads = max(
                (self._number(o) for o in self._options if o.name == "-t"), default=0
            )
            self._adopt(bpy.context.scene)
            for option in self._options:
                self._act(option)
        except Stop as stop:
            if str(stop):
                say(str(stop), sys.stderr)
            status = stop.status
        say("\nBlender quit")
        return status

    def _act(self, option: Option) -> None:
        if not option.name:
            self._open(option.value)
            return
        count = value_count(option.name)
        if count is None and option.name != "--":
            raise Stop(f"Error: unknown argument: {option.words[0]}")
        action = self._actions().get(option.name)
        if action is None:
            return
        if count and not option.has_value:
            raise Stop(f"Error: '{option.words[0]}' lacks its value")
        action(option)

    def _actions(self) -> dict[str, Callable[[Option], None]]:
        return {
            "-S": self._set_scene,
            "-o": lambda option: setattr(self._scene.render, "filepath", option.value),
            "-s": self._set_start,
            "-e": self._set_end,
            "-j": self._set_step,
            "-F": self._set_format,
            "-x": self._set_extension,
            "-E": self._set_engine,
            "-a": lambda _: self._render(self._start, self._end, self._step),
            "-f": self._render_list,
            "-P": self._run_file,
            "--python-expr": lambda option: self._run(option.value, "<string>"),
            "--python-text": self._run_text,
            "--python-exit-code": self._set_exit_code,
            "--addons": self._enable_addons,
            "-c": lambda _: _refuse("-c / --command"),
            "--python-console": lambda _: _refuse("--python-console"),
        }

    # -- files and scenes

    def _open(self, path: str) -> None:
        try:
            bpy.ops.wm.open_mainfile(
                filepath=os.path.abspath(path), load_ui=False, use_scripts=self._runs_scripts
            )
        except RuntimeError as error:
            # Blender has printed its own sentence already.
            raise Stop("") from error
        self._listen()
        self._adopt(bpy.context.scene)

    def _set_scene(self, option: Option) -> None:
        scene = bpy.data.scenes.get(option.value)
        if scene is None:
            raise Stop(f"Can't find scene: '{option.value}' in file: '{bpy.data.filepath}'")
        if bpy.context.window:
            bpy.context.window.scene = scene
        self._adopt(scene)

    def _adopt(self, scene: Any) -> None:
        self._scene = scene
        self._start, self._end = scene.frame_start, scene.frame_end
        self._step = scene.frame_step
        if self._threads:
            scene.render.threads_mode = "FIXED"
            scene.render.threads = self._threads

    # -- settings

    def _set_start(self, option: Option) -> None:
        self._start = self._frame(option, option.value, self._start, self._start)

    def _set_end(self, option: Option) -> None:
        self._end = self._frame(option, option.value, self._end, self._end)

    def _set_step(self, option: Option) -> None:
        self._step = min(max(self._number(option), 1), _LIMIT)

    def _set_exit_code(self, option: Option) -> None:
        self._exit_code = self._number(option)

    def _set_extension(self, option: Option) -> None:
        if option.value[:1] not in ("0", "1"):
            raise Stop("Error: Use '-x 1 / -x 0' To set the extension option")
        self._scene.render.use_file_extension = option.value[0] == "1"

    def _set_engine(self, option: Option) -> None:
        names = [option.value]
        if option.value.startswith("BLENDER_EEVEE"):
            # 4.2 to 4.5 call it …_NEXT, the others do not.
            names += ["BLENDER_EEVEE_NEXT", "BLENDER_EEVEE"]
        for name in names:
            try:
                self._scene.render.engine = name
            except TypeError:
                continue
            return
        raise Stop(f"Error: engine not found '{option.value}'")

    def _set_format(self, option: Option) -> None:
        name = ARGUMENTS.get(option.value, option.value)
        settings = self._scene.render.image_settings
        try:
            if hasattr(settings, "media_type"):
                settings.media_type = _media_type(name)
            settings.file_format = name
        except TypeError as error:
            raise Stop(
                "Error: Format from '-F / --render-format' not known or not compiled in this"
                f" release: '{option.value}'"
            ) from error

    def _number(self, option: Option) -> int:
        try:
            return int(option.value)
        except ValueError as error:
            raise Stop(f"Error: not a number '{' '.join(option.words)}'.") from error

    def _frame(self, option: Option, text: str, plus: int, minus: int) -> int:
        """A frame as Blender counts it: signed ones are relative."""
        try:
            value = int(text)
        except ValueError as error:
            raise Stop(f"Error: not a number '{option.words[0]} {text}'.") from error
        if text.startswith("+"):
            value += plus
        elif text.startswith("-"):
            value += minus
        return min(max(value, -_LIMIT), _LIMIT)

    # -- rendering

    def _render_list(self, option: Option) -> None:
        for part in option.value.split(","):
            first, dots, last = part.partition("..")
            start = self._frame(option, first, self._start, self._end + 1)
            end = self._frame(option, last, self._start, self._end + 1) if dots else start
            for frame in range(start, end + 1):
                self._render(frame, frame, 1)

    def _render(self, start: int, end: int, step: int) -> None:
        if start > end:
            raise Stop(f"Error: nothing to render, the start {start} is behind the end {end}")
        try:
            if start < 0:
                self._render_stills(range(start, end + 1, step))
            else:
                self._render_range(start, end, step)
        except RuntimeError as error:
            raise Stop("") from error

    def _render_range(self, start: int, end: int, step: int) -> None:
        scene = self._scene
        # RNA pushes one end along with the other, so the end is set on both sides.
        scene.frame_end = end
        scene.frame_start = start
        scene.frame_end = end
        scene.frame_step = step
        bpy.ops.render.render(animation=True, scene=scene.name)

    def _render_stills(self, frames: Iterable[int]) -> None:
        """One by one: Python's frame_start knows no negative frames."""
        scene = self._scene
        pattern = scene.render.filepath
        for frame in frames:
            scene.frame_set(frame)
            scene.render.filepath = pattern
            path = scene.render.frame_path(frame=frame)
            if bpy.app.version >= (5, 0, 0):  # what was filled in must not be filled once more
                path = path.replace("{", "{{").replace("}", "}}")
            scene.render.filepath = path
            try:
                bpy.ops.render.render(write_still=True, scene=scene.name)
            finally:
                scene.render.filepath = pattern

    def _listen(self) -> None:
        """From 5.0 on the package is silent while it renders, so we say where it is.

        Opening a file takes handlers away.
        """
        if bpy.app.version >= (5, 0, 0):
            bpy.app.handlers.render_pre.append(self._show_frame)
            bpy.app.handlers.render_stats.append(self._show_stats)

    def _show_frame(self, scene: Any, *_: object) -> None:
        self._now = scene.frame_current
        say(f"Fra:{self._now} | Rendering")

    def _show_stats(self, stats: object, *_: object) -> None:
        now = time.monotonic()
        if now - self._stats_at >= _STATS_SECONDS:
            self._stats_at = now
            say(f"Fra:{self._now} | {stats}")

    # -- Python

    def _run_file(self, option: Option) -> None:
        try:
            with open(option.value, encoding="utf-8") as file:
                source = file.read()
        except OSError as error:
            self._fail_script(f"Error: cannot read the script: {error}")
            return
        self._run(source, option.value)

    def _run_text(self, option: Option) -> None:
        text = bpy.data.texts.get(option.value)
        if text is None:
            self._fail_script(f"Error: text block not found {option.value}.")
            return
        self._run(text.as_string(), option.value)

    def _run(self, source: str, name: str) -> None:
        scene = {"__name__": "__main__", "__file__": name}
        try:
            exec(compile(source, name, "exec"), scene)  # noqa: S102 - this is what -P is for
        except Exception:
            self._fail_script(f"Error: Python: {traceback.format_exc()}")

    def _fail_script(self, message: str) -> None:
        say(message, sys.stderr)
        if self._exit_code:
            raise Stop(f"Error: script failed, exiting with {self._exit_code}", self._exit_code)

    def _enable_addons(self, option: Option) -> None:
        enable = importlib.import_module("addon_utils").enable  # Blender's own module
        for name in option.value.split(","):
            if enable(name) is None:
                raise Stop(f"Error: the add-on '{name}' cannot be enabled")


def say(text: str, stream: Any = None) -> None:
    """Print at once: the daemon reads along."""
    print(text, file=stream or sys.stdout, flush=True)


def _refuse(what: str) -> None:
    raise Stop(f"Error: {what} needs the Blender program, not the package")


def _media_type(name: str) -> str:
    if name in MOVIES:
        return "VIDEO"
    return "MULTI_LAYER_IMAGE" if name == "OPEN_EXR_MULTILAYER" else "IMAGE"
