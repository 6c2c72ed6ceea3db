"""What a job asks of a node: memory, Blender, GPU, tags.  Pure: no I/O."""

import re
from dataclasses import dataclass
from typing import Self

from renderd.core import amounts
from renderd.core.label import nearest
from renderd.errors import InfoFileError

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")  #: a pool or a tag
ANY = "any"  #: Blender's version does not matter, not even the file's own
_WORDS = ("ram>=16G", "blender>=4.2", "gpu", "tag=…", "pool=…")
_BLENDER = re.compile(r"(>=|<=|==|=|>|<|!=)?\s*([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a node must have; an Info takes `pool` over into its own pools."""

    ram: int | None = None  #: bytes
    blender: str = ""  #: conditions with commas between, `>=4.2,<5.0`; or ANY
    gpu: bool = False
    tags: tuple[str, ...] = ()
    pool: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `ram>=16G, blender>=4.2, gpu, tag=x, pool=gpu`; InfoFileError names the word."""
        ram: int | None = None
        blender: list[str] = []
        listed: dict[str, list[str]] = {"tag": [], "pool": []}
        gpu = False
        for item in filter(None, (part.strip() for part in text.split(","))):
            word, rest = _word(item)
            if word == "ram" and ram is None:
                ram = _ram(rest, item)
            elif word == "blender":
                blender.append(conditions(rest))
            elif word == "gpu" and not rest:
                gpu = True
            elif word in listed and rest.startswith("="):
                listed[word].append(name(rest[1:], word))
            else:
                raise _refused(word, item)
        pool, tags = (tuple(dict.fromkeys(listed[key])) for key in ("pool", "tag"))
        return cls(ram=ram, blender=_joined(blender), gpu=gpu, tags=tags, pool=pool)

    def text(self) -> str:
        """Write the needs as one line that parse() reads back."""
        items = [f"ram>={amounts.size_text(self.ram)}"] if self.ram is not None else []
        items += [f"blender{_sign(one)}{one}" for one in self.blender.split(",") if one]
        items += ["gpu"] if self.gpu else []
        items += [f"tag={tag}" for tag in self.tags]
        items += [f"pool={pool}" for pool in self.pool]
        return ", ".join(items)


NO_NEEDS = Needs()


def conditions(text: str) -> str:
    """Return Blender conditions in one form: `4.2` and `= 4.2` are `==4.2`, no blanks.

    `any` stands alone: every version will do.
    """
    if text.strip().lstrip("=").strip().lower() == ANY:
        return ANY
    written = []
    for part in text.split(","):
        found = _BLENDER.fullmatch(part.strip())
        if found is None:
            raise InfoFileError(
                f"{part.strip()!r} is no condition on Blender's version",
                "write >=4.2, <5.0, ==4.2.3 or any",
            )
        written.append(("==" if found[1] in {None, "="} else found[1]) + found[2])
    return ",".join(written)


def fits(spec: str, version: tuple[int, ...]) -> bool:
    """Tell whether a version meets every condition; compared as far as the condition says.

    So 4.2.3 meets `==4.2` and `<=4.2`, and does not meet `>4.2`.
    """
    return all(_meets(one, version) for one in spec.split(",") if one not in ("", ANY))


def _joined(written: list[str]) -> str:
    if ANY in written and len(written) > 1:
        raise InfoFileError("blender=any and a condition exclude each other", "say one of them")
    return ",".join(written)


def _sign(condition: str) -> str:
    return "=" if condition == ANY else ""


def name(text: str, what: str) -> str:
    """Return a pool's or tag's name in lower case; InfoFileError when it is none."""
    lower = text.strip().lower()
    if not NAME.fullmatch(lower):
        raise InfoFileError(
            f"{text.strip()!r} is no name of a {what}", "use letters, digits and . _ - (40 at most)"
        )
    return lower


def _meets(condition: str, version: tuple[int, ...]) -> bool:
    found = _BLENDER.fullmatch(condition)
    if found is None:
        return False
    asked = tuple(map(int, found[2].split(".")))
    have = (*version, 0, 0, 0)[: len(asked)]
    return {
        ">=": have >= asked,
        "<=": have <= asked,
        ">": have > asked,
        "<": have < asked,
        "!=": have != asked,
    }.get(found[1] or "==", have == asked)


def _word(item: str) -> tuple[str, str]:
    found = re.match(r"[A-Za-z]*", item)
    end = found.end() if found else 0
    return item[:end].lower(), item[end:].strip()


def _ram(rest: str, item: str) -> int:
    if not rest.startswith(">="):
        raise InfoFileError(f"{item!r} is no need", "write ram>=16G")
    try:
        return amounts.size(rest[2:].strip())
    except ValueError as error:
        raise InfoFileError(str(error)) from None


def _refused(word: str, item: str) -> InfoFileError:
    if word == "ram":
        return InfoFileError(f"{item!r} asks for memory a second time", "say it once")
    known = {"ram", "blender", "gpu", "tag", "pool"}
    remedy = nearest(word, known) if word not in known else "write " + ", ".join(_WORDS)
    return InfoFileError(f"{item!r} is no need", remedy)
