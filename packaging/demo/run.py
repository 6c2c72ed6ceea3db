"""The demo: three daemons render a small film; one of them is killed half-way.

make demo            or   .venv/bin/python packaging/demo/run.py [--out DIR] [--frames RANGE]
"""

import argparse
import json
import os
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import blenders
from show import Actor, Scene, Show
from stage import Stage

from renderd.core import frames as ranges
from renderd.core import infofile
from renderd.core.names import host_of
from renderd.errors import BrokenImage
from renderd.spool import image, view
from renderd.spool.layout import CANCELLED, DONE, FAILED
from renderd.spool.records import ChunkView, JobView
from renderd.spool.share import PosixShare

HERE = Path(__file__).resolve().parent
BLEND = HERE / "demo.blend"
NODES = ("ws01", "ws02", "ws03")
SCENES = ("Turntable", "Juggler")
FRAMES = "1-46x3"
COLUMNS = 8
LOOK_EVERY = 0.25


@dataclass
class Demo:
    """One run, from an empty spool to verified frames."""

    out: Path
    frames: str
    show: Show
    stage: Stage
    scenes: dict[str, str] = field(default_factory=dict)  #: jid → name
    sheet_job: str = ""
    killed: str = ""

    @property
    def sheet(self) -> Path:
        """The contact sheet."""
        return self.out / "contact-sheet.png"

    def play(self) -> int:
        """Queue, render, kill, finish, verify; the exit status."""
        self.stage.start(NODES)
        self.show.say(f"Three daemons run: {', '.join(NODES)}.  All they share is a folder:")
        self.show.say(f"  {self.stage.spool.root}")
        self._queue()
        state = self._watch()
        self.show.end()
        if state != DONE:
            return self._tell_failure()
        return self._verify()

    def _queue(self) -> None:
        pattern = f"{self.out}/{{scene}}_####"
        scenes = [word for scene in SCENES for word in ("--scene", scene)]
        words = [str(BLEND), *scenes, "--frames", self.frames, "--chunk", "4", "--out", pattern]
        # Whichever Blender this machine has, not the file's own; an installed demo takes no copy.
        words += ["--blender", "any", "--no-snapshot"]
        added = json.loads(self.stage.render("add", *words, "--json"))["jobs"]
        self.scenes = {job["jid"]: scene for job, scene in zip(added, SCENES, strict=True)}
        wanted = [str(self.out / name) for name in self._names()]
        line = ["blender", "--factory-startup", "-b", "--python-exit-code", "1"]
        line += ["-P", str(HERE / "sheet.py"), "--", str(COLUMNS), str(self.sheet), *wanted]
        command = shlex.join(infofile.escape(word) for word in line)
        after = [word for jid in self.scenes for word in ("--after", jid)]
        words = ["--command", command, "--name", "contact sheet", *after, "--json"]
        self.sheet_job = json.loads(self.stage.render("add", *words))["jobs"][0]["jid"]
        self.show.say(
            f"render add queued two scenes of demo.blend: {' and '.join(self.scenes.values())},"
            f" {self._total()} frames; a third job makes a contact sheet when both are done."
        )

    def _names(self) -> list[str]:
        """The frames' file names, scene by scene."""
        numbers = [n for run in ranges.parse(self.frames) for n in run]
        return [f"{s.lower()}_{n:04d}.png" for s in self.scenes.values() for n in numbers]

    def _total(self) -> int:
        return len(self._names())

    def _watch(self) -> str:
        """Draw until the contact sheet is made or something failed; kill one at half time."""
        while True:
            jobs = {job.jid: job for job in view.read_jobs(self.stage.spool)}
            running = self._running()
            done = self._frames_in_place()
            self._draw(jobs, running)
            if not self.killed and 2 * sum(done.values()) >= self._total() and running:
                self._kill(running)
            states = {job.state for job in jobs.values()}
            if states & {FAILED, CANCELLED}:
                return FAILED
            if self.sheet_job in jobs and jobs[self.sheet_job].state == DONE:
                return DONE
            if not self.stage.living():
                return FAILED
            time.sleep(LOOK_EVERY)

    def _running(self) -> dict[str, tuple[str, ChunkView]]:
        """What each node runs, by the names of the chunks' files."""
        return {
            host_of(chunk.node): (self.scenes.get(jid, "contact sheet"), chunk)
            for jid in (*self.scenes, self.sheet_job)
            for chunk in view.read_chunks(self.stage.spool, jid)
            if chunk.state == "run"
        }

    def _frames_in_place(self) -> Counter[str]:
        there = set(os.listdir(self.out))
        names = [name for name in self._names() if name in there]
        return Counter(name.rpartition("_")[0] for name in names)

    def _draw(self, jobs: dict[str, JobView], running: dict[str, tuple[str, ChunkView]]) -> None:
        done = self._frames_in_place()
        each = self._total() // max(1, len(self.scenes))
        scenes = [
            Scene(name, jobs[jid].state if jid in jobs else "", done[name.lower()], each)
            for jid, name in self.scenes.items()
        ]
        finished = self._finished()
        actors = []
        for name in NODES:
            is_alive = name in self.stage.living()
            job, chunk = running.get(name, ("", None))
            work = f"{job} {chunk.frames if chunk else ''}".strip()
            actors.append(Actor(name, is_alive, work if is_alive else "", finished[name]))
        self.show.draw(scenes, actors)

    def _finished(self) -> Counter[str]:
        """Frames by the node that finished their chunk."""
        counted: Counter[str] = Counter()
        for jid in self.scenes:
            for chunk in view.read_chunks(self.stage.spool, jid):
                if chunk.state == "done":
                    counted[host_of(chunk.node)] += ranges.count(ranges.parse(chunk.frames))
        return counted

    def _kill(self, running: dict[str, tuple[str, ChunkView]]) -> None:
        name = next((n for n in NODES if n in running and n in self.stage.living()), "")
        if not name:
            return
        job, chunk = running[name]
        pid = self.stage.kill(name)
        self.killed = name
        self.show.say(
            f"Half of it is there.  Killed {name} (process {pid}) with SIGKILL in the middle of"
            f" {job} {chunk.frames}: the others will notice within some twenty seconds.",
            "bold red",
        )

    def _tell_failure(self) -> int:
        for job in view.read_jobs(self.stage.spool):
            if job.state in (FAILED, CANCELLED) or job.failed:
                self.show.say(f"{job.name}: {job.state} {job.reason}", "bold red")
                for chunk in view.read_chunks(self.stage.spool, job.jid):
                    if chunk.error:
                        self.show.say(f"  {chunk.frames}: {chunk.error}")
        for name in NODES:
            words = self.stage.log(name).read_text(encoding="utf-8", errors="replace").split("\n")
            if name != self.killed and name not in self.stage.living() and len(words) > 1:
                self.show.say(f"{name} has gone; it last said: {words[-2]}", "bold red")
        self.show.say(f"The spool and the daemons' logs are kept in {self.stage.folder}")
        return 1

    def _verify(self) -> int:
        """Read every frame to its end, and say who made what."""
        broken = []
        for name in self._names():
            try:
                image.verify_file(PosixShare(), str(self.out / name))
            except (BrokenImage, OSError) as error:
                broken.append(f"{name}: {error}")
        seconds = time.monotonic() - self.show.began
        spool = self.stage.spool
        lost = sum(chunk.losses for jid in self.scenes for chunk in view.read_chunks(spool, jid))
        if lost:
            self.show.say(f"What {self.killed} had begun was taken over by the others.")
        told = ", ".join(f"{n} {c}" for n, c in sorted(self._finished().items()))
        self.show.say(f"{self._total()} frames in {seconds:.0f} s ({told}).")
        if broken:
            self.show.say("\n".join(["Not whole:", *broken]), "bold red")
            return 1
        self.show.say("Every frame was read to its end: all are whole.", "bold green")
        self.show.say(f"  frames         {self.out}/")
        self.show.say(f"  contact sheet  {self.sheet}")
        return 0


def clear(out: Path) -> None:
    """Take away what an earlier run of the demo left in its folder."""
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("turntable_*.png"), *out.glob("juggler_*.png")]:
        old.unlink()
    (out / "contact-sheet.png").unlink(missing_ok=True)


def main() -> int:
    """Run the demo; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("demo-output"), help="folder for frames")
    parser.add_argument("--frames", default=FRAMES, help="of each scene, like 1-46x3")
    parser.add_argument("--keep", action="store_true", help="leave the spool and the logs there")
    args = parser.parse_args()
    out = args.out.resolve()
    print(f"Rendering with {blenders.find_or_install()}.", flush=True)
    if os.geteuid() == 0:
        print("You are root, so the daemons are told --allow-root; a real farm has its own user.")
    clear(out)
    stage = Stage.build()
    status = 1
    try:
        with Show() as show:
            status = Demo(out, args.frames, show, stage).play()
    except KeyboardInterrupt:
        print("Stopped; the daemons leave.", file=sys.stderr)
        status = 130
    finally:
        stage.strike(is_kept=args.keep or status == 1)
    return status


if __name__ == "__main__":
    sys.exit(main())
