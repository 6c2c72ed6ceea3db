"""When machines work for the farm: the selected ones, and the one that the person sits at."""

from functools import partial

from frontend.gui.actions import About, Deed
from frontend.gui.deeds import courtesy
from renderd.core.courtesy import When

_WAYS = (
    (When.ALWAYS, "&Always", "&Always", "In the background, beside whoever works there"),
    (
        When.AWAY,
        "Only while nobody &uses it",
        "Only when I am a&way",
        "Only while keyboard and mouse rest; it makes way at once for who comes back",
    ),
    (
        When.OFF_HOURS,
        "Outside &office hours",
        "Outside &office hours",
        "Only outside the office hours of its configuration",
    ),
    (When.NEVER, "&Never", "&Never", "It stays in the farm and takes nothing"),
)


def _deed(when: When, title: str, does: str, about: About, chosen: courtesy.Chosen) -> Deed:
    place = "here" if about is About.WINDOW else "works"
    return Deed(
        key=f"{place}-{when.value}",
        title=title,
        about=about,
        does=does,
        do=partial(courtesy.tell, chosen=chosen, when=when),
        may=courtesy.may(chosen),
        is_on=courtesy.holds(chosen, when),
    )


DEEDS = (
    *(_deed(when, one, does, About.MACHINES, courtesy.selected) for when, one, _, does in _WAYS),
    *(_deed(when, mine, does, About.WINDOW, courtesy.own) for when, _, mine, does in _WAYS),
)
