"""Names as Blender stored them: bytes, text, what a terminal may see.

Blender allows any character in a name, and old files hold other code pages than UTF-8.
"""


def text(raw: bytes) -> str:
    """Decode a stored name; bytes that are no UTF-8 survive as surrogates, ready for argv."""
    return raw.decode("utf-8", "surrogateescape")


def until_nul(field: bytes) -> bytes:
    """Cut a fixed-size field at its first NUL; what follows is leftover memory."""
    return field.partition(b"\0")[0]


def is_text(name: str) -> bool:
    """Whether the name was valid UTF-8 in the file and may stand in JSON as it is."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def shown(name: str) -> str:
    """Escape all that could move a cursor or hide: controls, surrogates, outer blanks.

    Backslashes are doubled, so that two different names never look alike.
    """
    if name in ("", '""'):
        return name.replace('"', "\\x22") or '""'
    if name.isprintable() and "\\" not in name and name == name.strip():
        return name
    last = len(name) - 1
    return "".join(_sign(sign, is_outer=at in (0, last)) for at, sign in enumerate(name))


def _sign(sign: str, *, is_outer: bool) -> str:
    if sign == "\\":
        return "\\\\"
    if "\udc80" <= sign <= "\udcff":
        return f"\\x{ord(sign) - 0xDC00:02x}"
    if sign == " " and is_outer:
        return "\\x20"
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()
