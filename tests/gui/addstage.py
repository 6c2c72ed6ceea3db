"""What a person does in the dialog that queues .blend files, and the files, for tests of it."""

import sys
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

import blendmaker
from shotmaker import shot

from renderd.spool import jobs, tickets

PATIENCE = 30_000


def made(folder: Path, name: str = "shot", *pictures: bytes, **how: object) -> str:
    path = folder / f"{name}.blend"
    path.write_bytes(shot(pictures, **how))
    return str(path)


def several(folder: Path, name: str = "several", out: bytes = b"//out/") -> str:
    """A file of three scenes, of which it lists two."""
    age = blendmaker.Age(304)
    scenes = b"".join(
        blendmaker.scene_block(
            age,
            blendmaker.MODERN,
            {
                "id.name": b"SC" + scene,
                "r.sfra": 1,
                "r.efra": last,
                "r.frs_sec": 24,
                "r.frs_sec_base": 1.0,
                "r.xsch": 1920,
                "r.ysch": 1080,
                "r.size": 100,
                "r.pic": out + scene.lower() + b"_####",
                "r.im_format.imtype": 17,
                "camera": blendmaker.CAMERA,
            },
        )
        for scene, last in ((b"Alpha", 10), (b"Beta", 20), (b"Gamma", 30))
    )
    rest = scenes + blendmaker.object_block(age, blendmaker.MODERN, b"OBCam")
    rest += blendmaker.dna1(age, blendmaker.MODERN) + blendmaker.end(age)
    rows = [(b"Alpha", 1, 10), (b"Beta", 1, 20)]
    path = folder / f"{name}.blend"
    path.write_bytes(blendmaker.blend(age, rows, rest=rest))
    return str(path)


def settle(qtbot, dialog):
    qtbot.waitUntil(lambda: not dialog.adding.is_looking, timeout=PATIENCE)


def kinds(dialog):
    return [row.finding.kind for row in dialog.adding.findings.shown()]


def act(qtbot, dialog, kind, which):
    """Select a finding and press one of its buttons."""
    row = next(row for row in dialog.adding.findings.shown() if row.finding.kind is kind)
    dialog.found.view.select(row.number)
    button = dialog.found.buttons[which]
    assert button.isVisibleTo(dialog), which
    button.click()
    settle(qtbot, dialog)


def queue(qtbot, dialog):
    """Queue with Enter; the jobs by name."""
    desk = dialog.desk
    with qtbot.waitSignal(desk.added, timeout=PATIENCE) as told:
        QTest.keyClick(dialog, Qt.Key.Key_Return)
    return {jobs.read(desk.open(), jid).name: jid for jid in told.args[0]}


def scene_index(dialog, name, column=0):
    model = dialog.adding.scenes
    for at, entry in enumerate(model.entries):
        for row, one in enumerate(entry.rows):
            if one.scene.name == name:
                return model.index(row, column, model.index(at, 0))
    raise AssertionError(name)


def written(spool, jid):
    """What the spool says of a job, without what only its id and time say."""
    text = Path(spool.job(jid, "job.info")).read_text().replace(jid, "JID")
    ticket = tickets.find(spool, jid)
    return text, ticket[0], ticket[1].priority, ticket[1].slug
