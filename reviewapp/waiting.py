"""Long polls that hold no thread: a view says that its answer is not the last one, and is asked again.

A view that was asked to wait answers with the present state at once and with the header `ASK_AGAIN`. Behind any WSGI
server that is all. Here the answer is held back until PostgreSQL tells of a change (NOTIFY, sent in the transaction
that makes it), until the moment that the view named, or until the time is over; then the view is asked anew, and what
it says goes out. So a wait has the authentication, the access, the errors and the JSON of the plain request. Between
the asks it is a few objects in the event loop: no thread, no connection to the database.

A wait is registered before its first ask, so no change is missed; after the connection to PostgreSQL was lost,
everybody asks again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from labeling.api.asking import ASK_AGAIN
from reviewapp.bridge import Message, Receive, Scope, Send, gone, refuse
from reviewapp.errors import ReviewAppError

HEADER = ASK_AGAIN.lower().encode()
RETRY_AFTER = 5
HEARTBEAT = 15.0  # seconds after which a silent connection to PostgreSQL is tried
ANSWERS_WITHIN = 5.0
SPREAD = 1.0  # seconds over which those ask again who were all woken together
SOONEST = 0.2  # seconds between two asks of what is due

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Connect = Callable[[], Awaitable[psycopg.AsyncConnection]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that is held back. ``seconds`` is None: it is the last one."""

    head: Message
    body: bytes
    seconds: int | None
    due: float | None

    async def go(self, send: Send) -> None:
        await send(self.head)
        await send({"type": "http.response.body", "body": self.body})


class Waits:
    """At most ``most`` waits, of which ``asking`` ask at once: a crowd that is woken leaves threads to the others.

    ``act`` does what is due, and whoever it concerns is told by the database.
    """

    def __init__(
        self,
        application: Asgi,
        *,
        connect: Connect,
        channel: str,
        act: Callable[[], Awaitable[object]],
        most: int,
        asking: int,
    ) -> None:
        self.application, self.connect, self.channel, self.act, self.most = application, connect, channel, act, most
        self._turn = asyncio.Semaphore(asking)
        self.waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.n, self._closing = 0, threading.Event()
        self._listener: asyncio.Task[None] | None = None
        self._acting: asyncio.Task[object] | None = None
        self._listening: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, key: str) -> None:
        """Answer a GET of what ``key`` names, as late as it may be."""
        if self.n >= self.most:
            error = ReviewAppError("Too many clients wait already. Ask again.", code="too_many_waits", http_status=503)
            return await refuse(send, error, retry_after=RETRY_AFTER)
        with self._registered(key) as changed:
            await self._listen()
            left = asyncio.create_task(gone(receive))
            try:
                held = await self._last_answer(scope, changed, left)
                if held is not None:
                    await held.go(send)
            finally:
                left.cancel()

    @contextmanager
    def _registered(self, key: str) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self.waiting[key].add(changed)
        self.n += 1
        try:
            yield changed
        finally:
            self.n -= 1
            self.waiting[key].discard(changed)
            if not self.waiting[key]:
                del self.waiting[key]

    async def _last_answer(self, scope: Scope, changed: asyncio.Event, left: asyncio.Task[None]) -> Held | None:
        """Ask until the answer is the last one or the time is over. None: nobody is there any more."""
        end: float | None = None
        acted = 0.0
        while True:
            changed.clear()
            held = await self._ask(scope)
            if held.seconds is None or self._closing.is_set():
                return held
            end = time.monotonic() + held.seconds if end is None else end
            seconds = end - time.monotonic()
            if seconds <= 0:
                return held
            if held.due is not None:
                again = acted + SOONEST - time.monotonic()  # what is due may be in somebody else's hand
                seconds = min(seconds, max(held.due - time.time(), again, 0))
            await self._until(changed, left, seconds)
            if left.done():
                return None
            if held.due is not None and held.due <= time.time():
                acted = time.monotonic()
                await self._act()

    @staticmethod
    async def _until(changed: asyncio.Event, left: asyncio.Task[None], seconds: float) -> None:
        change = asyncio.create_task(changed.wait())
        await asyncio.wait({change, left}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        change.cancel()

    async def _ask(self, scope: Scope) -> Held:
        """The view's answer at this moment."""
        heads: list[Message] = []
        pieces: list[bytes] = []

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                heads.append(message)
            else:
                pieces.append(message.get("body", b""))

        async with self._turn:
            await self.application(scope, _nothing, take)
        head, value = heads[0], ""
        for name, said in head["headers"]:
            if name == HEADER:
                value = said.decode()
        head["headers"] = [(name, said) for name, said in head["headers"] if name != HEADER]
        seconds, _, due = value.partition(" ")
        return Held(head, b"".join(pieces), int(seconds) if seconds else None, float(due) if due else None)

    async def _act(self) -> None:
        """Do what is due, once for all who wait for it."""
        if self._acting is None or self._acting.done():
            self._acting = asyncio.ensure_future(self.act())
        try:
            await asyncio.shield(self._acting)
        except Exception:  # the database is away: the wait goes on
            logger.exception("what is due could not be done")

    async def _listen(self) -> None:
        if self._listener is None or self._listener.done():
            self._listening = asyncio.Event()
            self._listener = asyncio.create_task(self._listen_for_ever(self._listening))
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                await self._listening.wait()  # type: ignore[union-attr]
        except TimeoutError:
            logger.warning("PostgreSQL does not tell of changes; who waits will ask when it does")

    async def _listen_for_ever(self, listening: asyncio.Event) -> None:
        pause = 0.1
        while True:
            try:
                async with asyncio.timeout(ANSWERS_WITHIN):
                    connection = await self.connect()
                async with connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self.channel)))
                    self._wake_all()
                    listening.set()
                    pause = 0.1
                    await self._hear(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                logger.warning("the connection that tells of changes is lost, and made again: %s", error)
            listening.clear()
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 2)

    async def _hear(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async for note in connection.notifies(timeout=HEARTBEAT):
                for key in note.payload.split(","):
                    for changed in self.waiting.get(key, ()):
                        changed.set()
            async with asyncio.timeout(ANSWERS_WITHIN):
                await connection.execute("SELECT 1")

    def _wake_all(self) -> None:
        """Not in one moment: each asks a view."""
        loop = asyncio.get_running_loop()
        for changed in [one for those in self.waiting.values() for one in those]:
            loop.call_later(random.uniform(0, SPREAD) if self.n > 16 else 0, changed.set)  # noqa: S311

    def close(self) -> None:
        """The server ends: everybody gets the present state."""
        self._closing.set()
        if self._listener is not None:
            self._listener.cancel()
        for changed in [one for those in self.waiting.values() for one in those]:
            changed.set()


async def _nothing() -> Message:
    """What comes after the body of a request that has none."""
    return {"type": "http.disconnect"}
