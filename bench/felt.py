"""A task in the foreground: work on every core, reads from the disk, wake-ups at 60 Hz."""

import multiprocessing
import os
import random
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

RATE = 60.0  #: wake-ups a second
READ_BYTES, FILE_BYTES, READS = 128 << 10, 256 << 20, 1500
WAKING = 3.0  #: seconds of wake-ups


@dataclass(frozen=True, slots=True)
class Felt:
    """One run of the task."""

    work: float  #: seconds for a fixed amount of work on every core
    cpu: float  #: seconds of processor time of that, all cores together
    waited: float  #: seconds in which it could have run and was not let, all cores together
    reads: float  #: seconds for a fixed number of reads
    late: tuple[float, ...]  #: seconds by which each wake-up came late


def make(file: Path) -> None:
    """What is read."""
    with file.open("wb") as out:
        for _ in range(FILE_BYTES >> 20):
            out.write(os.urandom(1 << 20))
        os.fsync(out.fileno())


def feel(file: Path) -> Felt:
    """Do the task once."""
    began = time.monotonic()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        spent = pool.map(work, range(os.cpu_count() or 1), chunksize=1)
    took = time.monotonic() - began
    began = time.monotonic()
    read(file)
    reads = time.monotonic() - began
    cpu, waited = map(sum, zip(*spent, strict=True))
    return Felt(took, cpu, waited, reads, wake_ups())


def work(seed: int) -> tuple[float, float]:
    """As much as a compiler does in a second: memory, branches, no sleep; processor and wait."""
    waited = delay()
    data = random.Random(seed).randbytes(1 << 20)
    for n in range(0, 60 * 997, 997):
        zlib.compress(data[n:] + data[:n], 6)
    return time.process_time(), delay() - waited


def delay() -> float:
    """Seconds for which this process could run and did not."""
    with open("/proc/self/schedstat", encoding="ascii") as file:
        return int(file.read().split()[1]) / 1e9


def read(file: Path) -> None:
    """Reads at random places that the page cache does not have."""
    places = random.Random(1)
    with file.open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for _ in range(READS):
            os.pread(stream.fileno(), READ_BYTES, places.randrange(FILE_BYTES - READ_BYTES))


def wake_ups() -> tuple[float, ...]:
    """How late each of a timer's wake-ups is."""
    late, due = [], time.monotonic()
    for _ in range(int(WAKING * RATE)):
        due += 1 / RATE
        time.sleep(max(due - time.monotonic(), 0.0))
        late.append(max(time.monotonic() - due, 0.0))
    return tuple(late)
