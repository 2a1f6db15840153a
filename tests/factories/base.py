"""What every factory shares: a fixed moment, rising numbers, a hash."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def next_number() -> int:
    return next(_numbers)


def sha256(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()
