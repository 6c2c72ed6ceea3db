"""A Samba server in place of the NFS lab's nfsd, its share mounted by the clients' kernels."""

import shlex
from pathlib import Path

from tests.nfs.lab import DISK, ROOT, SHARE, Guest, Lab, LabError, lacking

PROGRAMS = {"smbd": "samba", "smbpasswd": "samba", "mount.cifs": "cifs-utils"}
USER, WORD = "artist1", "pencil"
CONFIG = f"""[global]
  server role = standalone server
  interfaces = 10.77.0.0/24
  private dir = /run/smb
  lock directory = /run/smb
  state directory = /run/smb
  cache directory = /run/smb
  pid directory = /run/smb
  ncalrpc dir = /run/smb/ncalrpc
  log file = /run/smb/log
  load printers = no
  disable spoolss = yes
[farm]
  path = {DISK}
  read only = no
"""
#: What a NAS box does: one owner for every file, every mode bit set, names without case.
NAS = """  force user = artist4
  force create mode = 0777
  force directory mode = 0777
"""
START = "smbd -s $lab/smb.conf -D"
RESTART = "kill $(cat /run/smb/smbd.pid); while pidof smbd >/dev/null; do sleep 0.1; done"
SERVE = f"""
mkdir -p /run/smb/ncalrpc
chown artist4 {DISK} # now: to a server at work its top folder stays as it was
printf '%s\\n%s\\n' {WORD} {WORD} | smbpasswd -c $lab/smb.conf -s -a {USER}
{START}
"""
#: What the kernel asks for by itself (ciphers) it finds where a guest has its modules.
MODULES = """
printf '#!/bin/sh\\nexec modprobe -d /run/modules "$@"\\n' >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
/run/modprobe cifs
"""


def prepare(lab: Lab, options: str, extra: str = NAS) -> None:
    """Have a lab's guests, when they boot, serve and mount a Samba share and no NFS export.

    `options` are the clients' (none: they mount nothing), `extra` are lines for the share.
    Raises LabError where there is no Samba.
    """
    if reason := lacking(PROGRAMS):
        raise LabError(reason)
    (lab.folder / "smb.conf").write_text(CONFIG + extra)
    (lab.folder / "server.sh").write_text(SERVE)
    mounted = mounting(options) if options else ""
    (lab.folder / "client.sh").write_text(f"{MODULES}\n{mounted}\n")
    lab.nfs, lab.restart = "", f"{RESTART}; {START.replace('$lab', str(lab.folder))}"


def mounting(options: str) -> str:
    """The command line that mounts the share with options."""
    words = f"username={USER},password={WORD},{options}"
    return shlex.join(["mount", "-t", "cifs", "//10.77.0.1/farm", SHARE, "-o", words])


def doctor(client: Guest, options: str) -> str:
    """What the doctor says of a fresh spool on the share, mounted so."""
    client.run(mounting(options))
    made = f"{ROOT}/.venv/bin/renderd init --trust-share {SHARE}/spool >/dev/null 2>&1"
    asked = f"{ROOT}/.venv/bin/renderd doctor --spool {SHARE}/spool"
    return client.ask(f"rm -rf {SHARE}/spool; {made}; {asked}; umount {SHARE}", 900).text


#: How studios mount it: a workstation's way, without delayed closes, and a NAS of one owner.
MOUNTS = (
    "vers=3.1.1,hard",
    "vers=3.1.1,hard,closetimeo=0",
    "vers=3.1.1,hard,closetimeo=0,cache=none",
    "vers=3.1.1,hard,uid=0,forceuid,file_mode=0777,dir_mode=0777,noperm,nobrl",
)


def report(folder: Path) -> None:
    """Boot a server and a client, and print the doctor's words for every way of mounting."""
    with Lab(folder) as lab:
        prepare(lab, "")
        lab.start(1)
        for options in MOUNTS:
            print(f"== samba, {options}\n{doctor(lab.clients[0], options)}", flush=True)
