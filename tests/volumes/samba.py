"""A Samba server in one guest of the NFS lab, its share mounted in others by their kernels."""

from dataclasses import dataclass
from pathlib import Path

from lab import ROOT, Guest, Lab

USER, WORD = "artist1", "a word for the lab"
CONFIG = """[global]
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
  path = /run/disk/smb
  read only = no
"""
#: What a NAS box does: one owner for every file, every mode bit set, names without case.
NAS = """  force user = nobody
  force create mode = 0777
  force directory mode = 0777
"""
SERVE = f"""
mkdir -p /run/smb/ncalrpc /run/disk/smb
chmod 1777 /run/disk/smb
printf '%s\\n%s\\n' '{WORD}' '{WORD}' | smbpasswd -c /run/smb/conf -s -a {USER}
smbd -s /run/smb/conf -D
"""
SHARE = "/run/farm"  #: where a client has it mounted
#: What the kernel asks for by itself (ciphers) it finds where a guest has its modules.
MODULES = """
printf '#!/bin/sh\\nexec modprobe -d /run/modules "$@"\\n' >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
/run/modprobe cifs
"""
AS_USER = f"username={USER},password={WORD}"


@dataclass(frozen=True, slots=True)
class Samba:
    """The share of a lab whose clients mount nothing by themselves."""

    lab: Lab

    def serve(self, extra: str = "") -> None:
        """Start the server with further lines for its share."""
        config = self.lab.folder / "smb.conf"
        config.write_text(CONFIG + extra)
        self.lab.server.run(f"mkdir -p /run/smb; cp {config} /run/smb/conf")
        self.lab.server.run(SERVE)

    def mount(self, client: Guest, options: str) -> str:
        """Mount it in a client's kernel; the options as the kernel then names them."""
        client.run(MODULES)
        line = f"mount -t cifs //10.77.0.1/farm {SHARE} -o '{AS_USER},{options}'"
        client.run(f"umount {SHARE} 2>/dev/null; {line}")
        return client.run(f"grep ' {SHARE} ' /proc/self/mountinfo")

    def doctor(self, client: Guest, options: str) -> str:
        """What the doctor says of a fresh spool on the share, mounted so."""
        self.mount(client, options)
        made = f"{ROOT}/.venv/bin/renderd init --trust-share {SHARE}/spool >/dev/null 2>&1"
        asked = f"{ROOT}/.venv/bin/renderd doctor --spool {SHARE}/spool"
        return client.ask(f"rm -rf {SHARE}/spool; {made}; {asked}; umount {SHARE}", 900).text


#: How studios mount it: a workstation's way, without delayed closes, and a NAS of one owner.
MOUNTS = (
    "vers=3.1.1,hard",
    "vers=3.1.1,hard,closetimeo=0",
    "vers=3.1.1,hard,uid=0,forceuid,file_mode=0777,dir_mode=0777,noperm,nobrl",
)


def report(folder: Path) -> None:
    """Boot a server and a client, and print the doctor's words for every way of mounting."""
    with Lab(folder, nfs="") as lab:
        lab.start(1)
        samba = Samba(lab)
        samba.serve(NAS)
        for options in MOUNTS:
            print(f"== samba, {options}\n{samba.doctor(lab.clients[0], options)}", flush=True)
