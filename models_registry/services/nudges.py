"""Messages to workers, sent when what they speak of is committed. The row is the truth, a message only a nudge."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper

from django.db import transaction


def send_after_commit(send: Callable[..., object], *said: object, **options: object) -> None:
    """Call ``send`` after commit, with one try. A broker that does not answer is logged, and whoever asked is not told
    of it: sweepers find what was left behind.

    Django logs a failure under the function's name, and a partial without one would make an error of the log line.
    """
    nudge = partial(send, *said, retry=False, **options)
    transaction.on_commit(update_wrapper(nudge, send), robust=True)
