"""How often a key may ask: a leaky bucket (GCRA) in Redis, one round trip, on Redis's own clock.

All processes share one count. A limit of n a minute lets through n a minute evenly, and a tenth of that at once. When
Redis does not answer, requests pass: a line that cannot tell its parts is worse than a client that asks too often.
"""

from __future__ import annotations

import logging
import time
from functools import cache

import redis
from django.conf import settings

log = logging.getLogger(__name__)
PAUSE_SECONDS = 5.0  # after a failure Redis is left alone: a dead one must not cost every request its time-out
LEAST_BURST = 10

# KEYS[1] the bucket; ARGV microseconds per request, requests at once. Returns the microseconds to wait, 0: go on.
# The stored moment is when the bucket is empty again. It is never believed to lie further ahead than a full bucket
# does: a clock that was set back locks nobody out.
GCRA = """
local clock = redis.call('TIME')
local now, interval, burst = clock[1] * 1000000 + clock[2], tonumber(ARGV[1]), tonumber(ARGV[2])
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
empty = math.min(empty, now + interval * burst)
local wait = empty + interval - interval * burst - now
if wait > 0 then return math.ceil(wait) end
empty = empty + interval
redis.call('SET', KEYS[1], string.format('%.0f', empty), 'PX', math.ceil((empty - now) / 1000) + 1)
return 0
"""


class _Outage:
    """Whether Redis is being left alone, so that an outage is logged once and paid for rarely."""

    until = 0.0


def seconds_to_wait(bucket: str, *, per_minute: int) -> float:
    """Take one request from ``bucket``. 0: it may go on; else how long until one may, and nothing was taken."""
    if time.monotonic() < _Outage.until:
        return 0.0
    burst = min(per_minute, max(LEAST_BURST, per_minute // 10))
    try:
        waits = _script()(keys=[f"reviewapp:rate:{bucket}"], args=[60_000_000 / per_minute, burst])
    except redis.RedisError as error:
        if not _Outage.until:
            log.warning("Redis does not answer, so API keys are not limited for now: %s", error)
        _Outage.until = time.monotonic() + PAUSE_SECONDS
        return 0.0
    if _Outage.until:
        _Outage.until = 0.0
        log.warning("Redis answers again: API keys are limited.")
    return float(waits) / 1_000_000


@cache
def _script() -> redis.commands.core.Script:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25)
    return client.register_script(GCRA)
