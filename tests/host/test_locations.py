import os
import socket

import pytest

from renderd.errors import ConfigError
from renderd.host import locations


def test_our_own_variables_come_first():
    environ = {"RENDERD_RUNTIME_DIR": "/r", "RENDERD_STATE_DIR": "/s", "RUNTIME_DIRECTORY": "/x"}
    assert locations.runtime_dir(environ) == "/r"
    assert locations.state_dir(environ) == "/s"


def test_systemds_folders_are_used():
    environ = {"RUNTIME_DIRECTORY": "/run/a:/run/b", "STATE_DIRECTORY": "/var/lib/a"}
    assert locations.runtime_dir(environ) == "/run/a"
    assert locations.state_dir(environ) == "/var/lib/a"


def test_without_a_session_there_is_still_a_place(tmp_path):
    assert locations.runtime_dir({"XDG_RUNTIME_DIR": str(tmp_path)}) == str(
        tmp_path / "neogeo-renderd"
    )
    assert locations.runtime_dir({"XDG_RUNTIME_DIR": str(tmp_path / "gone")})


def test_every_socket_address_can_be_bound(tmp_path):
    deep = str(tmp_path / ("d" * 120))
    path = locations.socket_path(deep, "node")
    assert path == locations.socket_path(deep, "node") != locations.socket_path(deep, "node2")
    assert len(os.fsencode(path)) <= locations.SOCKET_LIMIT
    locations.make_private(os.path.dirname(path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
    os.unlink(path)


def test_a_private_folder_is_closed_to_others(tmp_path):
    folder = locations.make_private(str(tmp_path / "a" / "b"))
    assert os.stat(folder).st_mode & 0o077 == 0
    assert locations.make_private(folder) == folder


def test_a_folder_others_may_write_is_refused(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("open", "link"):
        with pytest.raises(ConfigError):
            locations.make_private(str(tmp_path / name))
