"""How much room on a disk is too little to render into, and how much is enough again."""

LEAST = 256 << 20  #: bytes free below which nothing is begun on a large disk
ENOUGH = 1 << 30  #: bytes free from which work goes on there after it was full
FRAMES = 10  #: as many frames must fit then
INODES = 16  #: fewer are too little for a frame and its receipt


def least_bytes(total: int, frame: int) -> int:
    """Bytes that must be free to begin: a frame's size, and some of the disk."""
    return max(frame, min(LEAST, total // 50))


def enough_bytes(total: int, frame: int) -> int:
    """Bytes that must be free to go on after the disk was full, so that it is not at once again."""
    return max(frame, min(max(FRAMES * frame, min(ENOUGH, total // 10)), total // 2))


def text(free: int) -> str:
    """Bytes for a person: 0.3 GB, 12 MB."""
    if free >= 100 << 20:
        return f"{free / (1 << 30):.1f} GB"
    return f"{free / (1 << 20):.0f} MB"
