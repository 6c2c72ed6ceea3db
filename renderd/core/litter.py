"""Names that servers, desktops and NAS boxes leave in any folder.  Pure: no I/O."""

import re

#: Goes with the folder it lies in: made again by whoever needs it.
_DISPOSABLE = re.compile(
    r"@eadir|.*@syno\w*|\._.*|\.ds_store|\.appledouble|\.@__thumb|thumbs\.db|ehthumbs\.db"
    r"|desktop\.ini|\.directory",
    re.IGNORECASE,
)
#: Never ours to remove: what people threw away, snapshots, what a client still holds open.
_LEFT_ALONE = re.compile(
    r"#recycle|@recycle|\$recycle\.bin|#snapshot|~snapshot|\.snapshots?|\.zfs|@recently-snapshot"
    r"|system volume information|lost\+found|network trash folder|temporary items|@tmp|@sharebin"
    r"|\.trash(?:es|-\w+)?|\.temporaryitems|\.apple(?:db|desktop)|\.apdisk|\.fseventsd"
    r"|\.spotlight-v100|\.nfs[0-9a-f]+|\.fuse_hidden\w*|\.smbdelete\w*|\.cifs\w*|\.stfolder",
    re.IGNORECASE,
)


def is_litter(name: str) -> bool:
    """True for a name that no program of ours and no person put there on purpose."""
    return is_disposable(name) or _LEFT_ALONE.fullmatch(name) is not None


def is_disposable(name: str) -> bool:
    """True for litter that may go with a folder that is to be removed."""
    return _DISPOSABLE.fullmatch(name) is not None
