"""`renderd init DIR`: make a spool and say what comes next."""

import argparse
import getpass
import os
import random
import sys

from renderd.core.farm import Farm
from renderd.errors import SpoolError
from renderd.spool.foundation import Founded, Wishes, found
from renderd.spool.layout import FARM_FILE
from renderd.spool.mount import MOOSEFS, SMB, Mount, complaints, find_mount
from renderd.spool.share import PosixShare

SHARING = """
To share it with other machines
  on the server, /etc/exports (sync: a power cut must not undo what was acknowledged):
    {root}  *.your.lan(rw,sync,no_subtree_check)
  on each machine, /etc/fstab (hard and with locks: no soft, nolock, nocto):
    SERVER:{root}  {root}  nfs  vers=4.2,hard,noatime,_netdev  0  0
    SERVER:{root}  {root}  nfs  vers=3,hard,noatime,_netdev    0  0   (servers without v4)
  User ids travel unprotected with sec=sys; sec=krb5p on both sides protects them.
"""
MOUNTED = """
It lies on {kind}, mounted on {point}; every other machine mounts the same, e.g. in /etc/fstab
    {line}  0  0
"""
NEXT = """
Next, on every machine
    export RENDERD_SPOOL={root}
    renderd doctor    proves what this machine's mount can do
    renderd           renders; its systemd unit wants RequiresMountsFor={root}
What the whole farm agrees on stands in {root}/{farm_file}.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    parser = subparsers.add_parser(
        "init",
        help="make a spool",
        description="Make a spool, or complete the one that is there; nothing is overwritten.",
    )
    parser.add_argument("dir", metavar="DIR", help="a new or empty folder on the share")
    parser.add_argument(
        "--group", default="", metavar="G", help="whose members render; without: you alone"
    )
    parser.add_argument(
        "--trust-share",
        action="store_true",
        help="accept that owners and modes mean nothing here (a NAS that maps identities)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the spool and print what comes next; RenderdError says why it could not be made."""
    root = os.path.abspath(args.dir)
    farm_text = Farm.template(trust_share=args.trust_share)
    wishes = Wishes(args.group, args.trust_share, farm_text)
    try:
        founded = found(PosixShare(), root, wishes, random.Random())
    except OSError as error:
        raise SpoolError(
            f"{root}: {error.strerror or error}", "check the mount, its space and permissions"
        ) from error
    sys.stdout.write(_report(root, founded))
    for warning in founded.warnings:
        sys.stderr.write(f"Note: {warning}\n")
    return 0


def _report(root: str, founded: Founded) -> str:
    identity = founded.spool.identity
    who = f"members of group {identity.group}" if identity.group else f"{getpass.getuser()} alone"
    if founded.is_new:
        text = f"Made a spool in {root} (id {identity.id}) for {who}.\n"
    else:
        text = f"{root} is a spool already (id {identity.id}); for {who}, nothing was lost.\n"
    mount = find_mount(root)
    text += mounting(root, mount)
    if mount is not None:
        text += "".join(
            f"Mount option {complaint.option}: {complaint.advice}.\n"
            for complaint in complaints(mount)
        )
    return text + NEXT.format(root=root, farm_file=FARM_FILE)


def mounting(root: str, mount: Mount | None) -> str:
    """How other machines come to the folder: by the same mount, or by an export to be made."""
    if mount is None or not mount.is_shared:
        return SHARING.format(root=root)
    return MOUNTED.format(point=mount.point, kind=mount.kind, line=_fstab(mount))


def _fstab(mount: Mount) -> str:
    """The first four fields of fstab that mount the same on another machine."""
    kind, source, options = mount.kind, mount.source, "hard,_netdev"
    if kind.startswith("nfs"):
        options = "vers=4.2,hard,noatime,_netdev"
    elif kind in SMB:
        options = "vers=3.1.1,hard,closetimeo=0,_netdev"
    elif kind == MOOSEFS:
        host, _, port = source.removeprefix("mfs#").partition("/")[0].partition(":")
        source, kind = "mfsmount", "fuse"
        options = f"mfsmaster={host},mfsport={port or 9421},_netdev"
    elif kind == "fuse.glusterfs":
        kind, options = "glusterfs", "_netdev"
    return f"{source}  {mount.point}  {kind}  {options}"
