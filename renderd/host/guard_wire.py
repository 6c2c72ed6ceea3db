"""What the daemon and its guard say to each other, byte by byte."""

import contextlib
import os
import socket
import struct

#: daemon → guard: length of the body, words in the command line, bytes of memory it should not
#: use more of (0: as many as there are); then the body: mark, working
#: folder, words, environment, joined by NUL.  Two descriptors travel with it: the command's
#: output and its own control socket; a third one where it gets a stdin.
REQUEST = struct.Struct("=IIQ")
#: guard → daemon on the control socket: what happened, a number, user s, system s, peak bytes
RECORD = struct.Struct("=cqddq")
STARTED, UNSTARTED, NO_FOLDER, ENDED = b"S", b"F", b"D", b"X"  # number: pid, errno, errno, status
TERMINATE, KILL, SUSPEND, RESUME = b"T", b"K", b"Z", b"C"  # daemon → guard, on the control socket


def tell(control: socket.socket, kind: bytes, number: int) -> None:
    """Send a record without sums on a command's control socket."""
    send_record(control, RECORD.pack(kind, number, 0, 0, 0))


def send_record(control: socket.socket, record: bytes) -> None:
    """Send a packed record; a daemon that let go of the command is no error."""
    with contextlib.suppress(OSError):
        control.send(record, getattr(socket, "MSG_NOSIGNAL", 0))


def receive_request(daemon: socket.socket) -> tuple[int, int, list[bytes], list[int]]:
    """The next request: words in its command line, memory, fields of its body, its descriptors.

    Raises EOFError or OSError when the daemon is gone.
    """
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    head, fds, _, _ = socket.recv_fds(daemon, REQUEST.size, 3, flags)
    if not head:
        raise EOFError
    for fd in fds:
        os.set_inheritable(fd, False)  # noqa: FBT003
    head += _receive_all(daemon, REQUEST.size - len(head))
    size, count, memory = REQUEST.unpack(head)
    return count, memory, _receive_all(daemon, size).split(b"\0"), fds


def _receive_all(source: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = source.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
