"""The farm that the documentation's pictures show: real frames, real files, invented machines.

No daemon runs: what machines say of themselves is written as they would, so that every picture
shows the same.
"""

import math
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from renderd import plan
from renderd.core import causes, frames, infofile
from renderd.core.chunk import State
from renderd.core.needs import Needs
from renderd.host.facts import host_name
from renderd.spool import claims, history, jobs, listing, nodes, notes, orders, tickets
from renderd.spool.layout import Spool, open_spool
from renderd.spool.nodes import Pulse
from renderd.spool.share import PosixShare
from renderd.spool.survey import Survey

GB, HOUR = 1 << 30, 3600.0
PROJECT, FARM = Path("/mnt/proj"), Path("/mnt/farm")
DUNES, CITY, RINGS = "sq010_sh020_dunes", "sq010_sh040_city", "sq020_sh010_rings"
GLASS, TITLE, COMP = "sq020_sh030_glass", "title_card", "sq010_comp"
#: name, cores, gigabytes, of which used, what else it says
MACHINES = (
    ("ws01", 16, 64, 21.5, {}),
    ("ws02", 16, 64, 34.0, {}),
    ("ws03", 12, 32, 9.1, {"state": "paused", "reason": "paused by artist", "until": 5 * HOUR}),
    ("ws04", 12, 32, 30.2, {"swap": 6.2}),
    ("ws05", 24, 96, 40.3, {}),
    ("ws06", 8, 16, 3.2, {"state": "idle"}),
    ("gpu01", 32, 128, 52.8, {"gpu": 97.0}),
    ("ws08", 8, 16, 2.0, {"dead": True}),
)
CRASH = """\
Read blend: "/mnt/proj/shots/sq020_sh030_glass.blend"
Fra:41 Mem:612.08M (Peak 640.21M) | Time:00:01.42 | Syncing caustic_glass
Fra:41 Mem:911.52M (Peak 911.52M) | Time:00:03.90 | Mem:7321.44M | Updating Geometry BVH
Warning: the texture pool of caustic_glass is larger than the memory that is free
CUDA error: Out of memory in cuMemAlloc(&device_pointer, size)
Error: System is out of GPU memory
Fra:41 Mem:911.60M (Peak 911.60M) | Time:00:04.02 | Cancel | System is out of GPU memory
"""


class Stage:
    """The spool with its jobs and machines; `breathe` keeps what they say young."""

    def __init__(self, shots: Path, rendered: Path) -> None:
        for folder in (
            PROJECT / "sq010" / "textures",
            PROJECT / "sq010" / "cache",
            PROJECT / "shots",
            PROJECT / "out",
            FARM.parent / "home" / "artist",
        ):
            folder.mkdir(parents=True, exist_ok=True)
        for shot in shots.glob("*.blend"):
            shutil.copy2(shot, PROJECT / "shots")
        renderd = Path(sys.executable).with_name("renderd")
        subprocess.run([str(renderd), "init", str(FARM)], check=True, capture_output=True)
        self.rendered = rendered
        self.spool: Spool = open_spool(PosixShare(), str(FARM), random.Random(7), "picture")
        self.pulses: dict[str, Pulse] = {}
        self.works: dict[str, dict[str, object]] = {}
        self.jids: dict[str, str] = {}
        self.now = time.time()
        self._make_machines()
        self._make_jobs()
        self._remember()
        self.breathe()

    # -- machines ---------------------------------------------------------------------------

    def _make_machines(self) -> None:
        for at, (name, cores, ram, _, more) in enumerate(MACHINES):
            facts = {
                "node": name,
                "host": host_name() if name == "ws01" else name,
                "system": "linux",
                "cores": cores,
                "slots": 1,
                "ram": ram * GB,
                "gpu": ["RTX"] if "gpu" in more else [],
                "blenders": ["3.4.1", "4.2.3"],
                "version": "0.2.0",
                "pools": ["gpu"] if name == "gpu01" else [],
                "tags": [],
            }
            self.pulses[name] = nodes.register(
                self.spool, f"{name}-{0xA4C0 + 977 * at:08x}", facts, 5
            )
        notes.put(self.spool, self.inc("ws04"), "32 GB: nothing of fx, please")

    def inc(self, name: str) -> str:
        """The incarnation of a machine."""
        return self.pulses[name].beat.inc

    def breathe(self) -> None:
        """Let every machine say again how it fares."""
        for name, cores, ram, used, more in MACHINES:
            inc = self.inc(name)
            if more.get("dead"):
                continue
            work = self.works.get(name)
            swap = float(more.get("swap", 0.0))
            load = {
                "load1": cores * (0.98 if work else 0.03),
                "cpu_percent": 98.6 if work else 2.1,
                "memory_used": int(used * GB),
                "memory_total": ram * GB,
                "swap_used": int(swap * GB),
                "swap_total": 16 * GB,
                "swap_in": 0,
                "swap_out": int(21e6) if swap else 0,
                "temperature": 71.0 if work else 44.0,
                "disk_free": (180 + 31 * cores) * GB,
                "gpu_percent": more.get("gpu"),
            }
            state = str(more.get("state") or ("rendering" if work else "idle"))
            until = self.now + float(more["until"]) if "until" in more else None
            nodes.publish_status(
                self.spool,
                inc,
                {
                    "node": name,
                    "inc": inc,
                    "state": state,
                    "reason": more.get("reason", ""),
                    "until": until,
                    "slots": 1,
                    "blenders": ["3.4.1", "4.2.3"],
                    "running": [work] if work else [],
                    "load": load,
                    "version": "0.2.0",
                    "pools": ["gpu"] if name == "gpu01" else [],
                    "tags": [],
                    "paces": {jid: [12, 31.0, 3.4] for jid in self.jids.values()},
                },
            )

    def memory(self, at: int, part: float) -> dict[tuple[str, str], float]:
        """What machines used of memory and swap some samples ago, for the last ten minutes."""
        figures = {}
        for place, (name, _, ram, used, more) in enumerate(MACHINES):
            if not more.get("dead"):
                wave = 0.72 + 0.28 * part + 0.06 * math.sin(at / 7 + 2 * place)
                figures[self.inc(name), "memory"] = min(1.0, used / ram * wave)
                figures[self.inc(name), "swap"] = float(more.get("swap", 0.0)) / 16 * part**2
        return figures

    # -- jobs -------------------------------------------------------------------------------

    def _make_jobs(self) -> None:
        rings = self._queue(RINGS, "1-24", chunk=8)
        self._finish(rings, "gpu01", "ws05", "ws01")
        dunes = self._queue(DUNES, "1-40", chunk=4, priority=60)
        self._finish(dunes, *("ws01", "ws02", "ws05", "ws04", "ws01", "ws02"), only=6)
        self._run(dunes, 7, "ws01", frame=26, percent=48, peak=9 * GB)
        self._run(dunes, 8, "ws02", frame=29, percent=11, peak=8 * GB)
        self._place(DUNES, 26)
        (PROJECT / "out" / DUNES / f"{DUNES}_0023.png").unlink()  # somebody did
        city = self._queue(CITY, "1-60", chunk=10)
        self._finish(city, "ws05", only=1)
        self._run(city, 2, "ws05", frame=11, percent=64, peak=14 * GB)
        self._run(city, 3, "ws04", frame=21, percent=16, peak=15 * GB)
        self._place(CITY, 10)
        glass = self._queue(GLASS, "1-80", shot=RINGS, chunk=10, needs="gpu", pool=("gpu",))
        self._finish(glass, *["gpu01"] * 4, only=4)
        self._crash(glass, 5)
        self._run(glass, 6, "gpu01", frame=57, percent=68, peak=31 * GB)
        self._queue("sq020_sh040_fog", "1-120", shot=RINGS, chunk=10, needs="gpu,ram>=200G")
        layout = self._queue("sq030_layout", "1-90", shot=CITY, chunk=15)
        orders.hold(self.spool, layout, "artist")
        self._queue(TITLE, "1-24", shot=RINGS, after=(dunes, city), chunk=24)
        self.jids = {"rings": rings, "dunes": dunes, "city": city, "glass": glass}
        nodes.publish_status(self.spool, self.inc("ws08"), {"node": "ws08", "state": "idle"})
        os.utime(self.spool.node(self.inc("ws08"), "status"), (self.now - 9 * HOUR,) * 2)
        nodes.certify(self.spool, self.inc("ws08"))
        for name in (DUNES, CITY):
            shutil.copy2(PROJECT / "shots" / f"{name}.blend", PROJECT / "sq010")
            for frame in (PROJECT / "out" / name).glob("*.png"):
                shutil.copy2(frame, PROJECT / "sq010")

    def _queue(self, name: str, span: str, shot: str = "", **said: object) -> str:
        after = said.pop("after", ())
        needs = Needs.parse(str(said.pop("needs", "blender=any")))
        wish = plan.Wish(
            name=name,
            frames=frames.parse(span),
            out=str(PROJECT / "out" / name / f"{name}_####"),
            info=infofile.Info(commands=(), needs=needs, **said),  # type: ignore[arg-type]
        )
        path = str(PROJECT / "shots" / f"{shot or name}.blend")
        (draft,) = plan.from_blend(path, wish, self.spool.farm, sys.platform)
        return jobs.publish(self.spool, draft, jobs.Order("artist@ws01", after=after))

    def _claim(self, jid: str, index: int, name: str) -> claims.Claim:
        waiting = next(c for c in listing.chunks(self.spool, jid) if c.index == index)
        inc = self.inc(name)
        claims.declare_intent(self.spool, inc, jid, waiting.group)
        held = claims.prepare(self.spool, inc, jid, waiting)
        claims.take(self.spool, held, waiting)
        self._log(jid, index, waiting.attempt, inc, f"Read blend: {jid}\n")
        return held

    def _log(self, jid: str, index: int, attempt: int, inc: str, text: str) -> None:
        path = self.spool.job(jid, "log", f"{index:05d}.{attempt}.{inc}.log")
        Path(path).write_text(text)

    def _finish(self, jid: str, *names: str, only: int = 0) -> None:
        """Let the first chunks be done, one a machine in turn; close the job where all are."""
        chunks = [c for c in listing.chunks(self.spool, jid) if c.state is State.WAIT]
        for at, chunk in enumerate(chunks[: only or None]):
            name = names[at % len(names)]
            claims.finish(self.spool, self._claim(jid, chunk.index, name))
            count = len(chunk.run) if chunk.run is not None else 1
            self._journal(name, self.now - 1500 + 180 * at, jid, chunk.index, count)
        if not only:
            record = jobs.read(self.spool, jid)
            self._place(record.name, 24)
            place = tickets.find(self.spool, jid)
            assert place is not None
            jobs.close(self.spool, place, Survey(jid, record.chunks), has_failed=False)

    def _run(self, jid: str, index: int, name: str, *, frame: int, percent: int, peak: int) -> None:
        held = self._claim(jid, index, name)
        run = held.chunk.run
        assert run is not None
        record = jobs.read(self.spool, jid)
        done = frame - run.first
        self.works[name] = {
            "job": jid,
            "name": record.name,
            "chunk": index,
            "attempt": held.chunk.attempt,
            "frames": held.chunk.frames,
            "frame": frame,
            "percent": percent,
            "done": done,
            "total": len(run),
            "elapsed": 31.0 * (done + 0.6),
            "eta": 31.0 * (len(run) - done),
            "peak": peak,
            "message": f"Sample {percent}/100",
            "warnings": 0,
            "slow": "",
        }

    def _crash(self, jid: str, index: int) -> None:
        """Let a chunk fail for good, for the GPU's memory."""
        cause = next(one for one in causes.CAUSES if one.says == WHYS[0])
        note = f"fail: blender crashed: {cause.says}\nadvice: {cause.advice}\n\n{CRASH}"
        held = self._claim(jid, index, "gpu01")
        self._log(jid, index, held.chunk.attempt, self.inc("gpu01"), CRASH)
        claims.note_error(self.spool, held, note)
        claims.give_up(self.spool, held)
        event = self._event("fail", self.now - 300, jid, index, 0, 41.0)
        history.append(
            self.spool, self.inc("gpu01"), [event | {"why": note.partition(": ")[2].split("\n")[0]}]
        )

    def _place(self, name: str, count: int) -> None:
        """Put frames that Blender rendered where the job's machines would have."""
        folder = PROJECT / "out" / name
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted((self.rendered / name).glob("*.png"))
        assert len(found) >= count, f"{name}: {len(found)} of {count} frames are rendered"
        for frame in found[:count]:
            shutil.copy2(frame, folder / f"{name}_{frame.stem}.png")

    # -- what was ---------------------------------------------------------------------------

    def _journal(self, name: str, when: float, jid: str, index: int, count: int) -> None:
        history.append(
            self.spool, self.inc(name), [self._event("done", when, jid, index, count, 160.0)]
        )

    @staticmethod
    def _event(
        ev: str, when: float, jid: str, index: int, count: int, wall: float
    ) -> dict[str, object]:
        base = {"t": round(when, 3), "ev": ev, "jid": jid, "chunk": index, "attempt": 1}
        return base | {"frames": count, "wall": wall, "cpu": wall * 14, "peak": 9 * GB}

    def _remember(self) -> None:
        """A day and a night of work, more of it at night."""
        dice = random.Random(3)
        for name, cores, _, _, more in MACHINES:
            happened = sorted(
                self._day(dice, cores, bool(more.get("dead"))), key=lambda e: float(str(e["t"]))
            )
            history.append(self.spool, self.inc(name), happened)

    def _day(self, dice: random.Random, cores: int, is_dead: bool) -> Iterator[dict[str, object]]:
        moment = self.now - 26 * HOUR
        until = self.now - (9 * HOUR if is_dead else 1800)
        while moment < until:
            wall = dice.uniform(260, 900) * 16 / cores
            moment += wall
            hour = time.localtime(moment).tm_hour
            if 9 <= hour < 19 and dice.random() < 0.55:
                moment += dice.uniform(600, 3000)  # somebody works here
            if moment > until:
                return
            event = self._event(
                "done", moment, "pastjob" + dice.choice("abcd"), dice.randrange(1, 99), 10, wall
            )
            if dice.random() < 0.05:
                why = dice.choice(WHYS)
                event |= {"ev": "fail", "frames": 0, "why": why}
            yield event


WHYS = (
    "the GPU ran out of memory",
    "blender: exit status 1: Error: cannot read file bark_albedo.png: No such file or directory",
    "blender crashed: signal 11",
)


def is_apart() -> bool:
    """Whether /mnt is this program's own, so that nothing of the machine's is there."""
    return os.path.ismount("/mnt") and not os.listdir("/mnt")
