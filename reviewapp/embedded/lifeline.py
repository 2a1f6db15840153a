"""No process outlives the one that started it, even if that one is killed without a chance to clean up."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child may not import.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signum: int = signal.SIGTERM) -> None:
    """Have the kernel send ``signum`` to this process when its parent ends. Linux only; elsewhere it does nothing."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signum)


def tied_to_this_process(signum: int = signal.SIGTERM) -> Callable[[], None]:
    """A ``preexec_fn`` for `subprocess.Popen`.

    A change of user clears the kernel's note; `Popen` changes the user before it calls this.
    """
    parent = os.getpid()

    def tie() -> None:
        die_with_parent(signum)
        if os.getppid() != parent:  # the parent ended before the kernel was told
            os._exit(1)

    return tie
