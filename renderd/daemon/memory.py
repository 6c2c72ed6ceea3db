"""How much memory this machine has left for a further chunk."""

from renderd.daemon.node import Node
from renderd.host import load


def free_bytes(node: Node) -> int:
    """Bytes available now, less what the chunks that run here were promised and do not use yet."""
    reserved = sum(max(0, work.ram - work.rss_bytes) for work in node.running)
    return load.available_bytes() - reserved
