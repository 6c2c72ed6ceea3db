import errno
import signal

import pytest

from renderd.host.exit import Exit, describe_signal, describe_status, start_failure


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "finished"),
        (3 << 8, "exit status 3"),
        (signal.SIGSEGV, "segmentation fault (SIGSEGV)"),
        (signal.SIGSEGV | 0x80, "segmentation fault (SIGSEGV)"),  # with a core dump
        (139 << 8, "exit status 139: segmentation fault (SIGSEGV)"),
        (signal.SIGKILL, "killed (SIGKILL), likely out of memory"),
        (35, "ended by signal 35"),
    ],
)
def test_a_status_in_words(status, text):
    assert describe_status(status) == text


def test_what_the_kernel_counted_decides_about_memory():
    assert describe_signal(signal.SIGKILL, oom_killed=True).endswith(", out of memory")
    assert describe_signal(signal.SIGKILL, oom_killed=False) == "killed (SIGKILL)"


def test_a_signal_is_a_negative_code():
    assert Exit(signal.SIGTERM).code == -signal.SIGTERM


def test_a_command_not_started_is_no_success_whatever_its_status():
    assert not Exit(0, start_failure="command not found: x").is_success


@pytest.mark.parametrize(
    "number", [errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.E2BIG, errno.EIO]
)
def test_every_failed_start_names_the_program(number):
    assert "blender" in start_failure("blender", number).describe()
