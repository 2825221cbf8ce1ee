"""What a process with sound in its memory does to itself: no core dump, no look inside, no life after its parent."""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
"""Numbers of prctl(2) in <linux/prctl.h>."""


def keep_memory() -> None:
    """No core dump of this process, and no other process of the same user reads its memory. Linux only."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_DUMPABLE, 0)


def may_dump() -> bool:
    """Whether a crash of this process could leave its memory on the disk."""
    return resource.getrlimit(resource.RLIMIT_CORE) != (0, 0) or _prctl(PR_GET_DUMPABLE, 0) != 0


def die_with(parent: int) -> None:
    """Be killed by the kernel when this parent dies, however it dies; at once, if it has died already."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def _prctl(option: int, value: int) -> int:
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))
