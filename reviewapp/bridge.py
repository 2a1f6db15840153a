"""Django's WSGI application behind an ASGI server: each request in a thread of a small pool, bodies streamed both ways.

A small body is read before a thread is taken, so that a slow sender holds none. A large or chunked one is pulled piece
by piece while the view reads it, and an answer is pushed piece by piece as the client takes it: memory stays bounded.
A client that leaves in the middle is an error in whoever reads or writes, never a silent end.

    request ──small──> read whole ─┐                     ┌─whole answer───> one hop back to the loop
        └──large, chunked──────────┴──> a thread: view ──┴─streamed answer─> pieces, at most PENDING bytes ahead
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

from reviewapp.errors import ReviewAppError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SMALL = 65_536  # bytes of a body that is read before a thread is taken
PENDING = 262_144  # bytes of an answer that wait for the client
FILE_BLOCK = 131_072
STALLED = 60.0  # seconds in which a client has to send, or to take, the next piece
LINGER = 2.0  # seconds in which an early answer may be read by a client that is still sending
QUEUED = 256  # requests that may wait for a thread


class ClientLeft(ConnectionResetError):
    """The connection ended before the body, or the answer, was complete."""


class Bridge:
    """``application`` in ``threads`` threads. Bodies of more than ``max_bytes`` are refused before they are read."""

    def __init__(self, application: WsgiApplication, *, threads: int, max_bytes: int) -> None:
        self.application, self.max_bytes = application, max_bytes
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self.n_open, self.most_open = 0, threads + QUEUED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length, chunked = _framing(scope)
        if length > self.max_bytes:
            return await refuse(send, too_large(self.max_bytes), unread=receive)
        body = RequestBody(receive, self.max_bytes, complete=not (length or chunked))
        if length <= SMALL and not chunked and not await _read_small(body, receive, send):
            return None
        if self.n_open >= self.most_open:
            error = ReviewAppError("Too many requests at once. Try again.", code="overloaded", http_status=503)
            return await refuse(send, error, unread=None if body.complete else receive, retry_after=1)
        self.n_open += 1
        try:
            answer = Answer(body)
            self.pool.submit(self._run, _environ(scope, body, chunked), answer)
            await answer.pump(send, receive)
        finally:
            self.n_open -= 1

    def _run(self, environ: dict[str, Any], answer: Answer) -> None:
        """In a thread: call the application and hand its answer over."""
        try:
            pieces = self.application(environ, answer.start)
            try:
                if getattr(pieces, "streaming", True):
                    for piece in pieces:
                        answer.put(piece)
                else:
                    answer.put(b"".join(pieces), last=True)
            finally:
                getattr(pieces, "close", lambda: None)()
            answer.put(b"", last=True)
        except BaseException as error:  # the loop raises it: the server logs it and ends the connection
            answer.fail(error)


class RequestBody(io.RawIOBase):
    """`wsgi.input`, read in a thread and fed by the event loop that made it."""

    def __init__(self, receive: Receive, max_bytes: int, *, complete: bool) -> None:
        self._loop, self._receive, self._max_bytes = asyncio.get_running_loop(), receive, max_bytes
        self._piece, self._n_bytes = memoryview(b""), 0
        self.complete = complete
        self._error: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """:raises OSError: the client left or stalled. :raises ReviewAppError: the body is larger than is taken."""
        while not self._piece and not self.complete:
            asyncio.run_coroutine_threadsafe(self.pull(), self._loop).result()
        n = min(len(buffer), len(self._piece))
        buffer[:n], self._piece = self._piece[:n], self._piece[n:]
        return n

    async def fill(self) -> None:
        """Read the whole of a small body."""
        pieces = []
        while not self.complete:
            await self.pull()
            pieces.append(self._piece)
        self._piece = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))

    async def pull(self) -> None:
        """Wait for the next piece."""
        if self._error is not None:
            raise self._error
        try:
            async with asyncio.timeout(STALLED):
                message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft("The connection ended before the body was complete.")
            self._piece, self.complete = memoryview(message.get("body", b"")), not message.get("more_body", False)
            self._n_bytes += len(self._piece)
            if self._n_bytes > self._max_bytes:
                raise too_large(self._max_bytes)
        except TimeoutError:
            self._error = TimeoutError("The body did not arrive in time.")
            raise self._error from None
        except Exception as error:
            self._error = error
            raise


class Answer:
    """What the application answers, on its way from its thread to the client."""

    def __init__(self, body: RequestBody) -> None:
        self._loop, self._body = asyncio.get_running_loop(), body
        self._changed = asyncio.Event()
        self._room = threading.Condition()
        self._pieces: list[bytes] = []
        self._n_pending, self._last, self._told = 0, False, False
        self._head: Message = {}
        self._error: BaseException | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
        """WSGI's ``start_response``."""
        encoded = [(name.encode("latin-1").lower(), value.strip().encode("latin-1")) for name, value in headers]
        self._head = {"type": "http.response.start", "status": int(status[:3]), "headers": encoded}
        return self.put

    def put(self, piece: bytes, *, last: bool = False) -> None:
        """In the thread: hand a piece over, and wait while the client is behind. :raises OSError: it is gone."""
        with self._room:
            if self._last or (not piece and not last):
                return
            while self._n_pending >= PENDING and self._error is None:
                self._room.wait()
            if self._error is not None:
                raise self._error
            self._pieces.append(piece)
            self._n_pending += len(piece)
            self._last = last
            self._tell()

    def fail(self, error: BaseException) -> None:
        with self._room:
            self._error = self._error or error
            self._tell()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._loop.call_soon_threadsafe(self._changed.set)

    def _take(self) -> tuple[bytes, bool]:
        with self._room:
            if self._error is not None:
                raise self._error
            piece, last = b"".join(self._pieces), self._last
            self._pieces, self._n_pending, self._told = [], 0, False
            self._changed.clear()
            self._room.notify()
        return piece, last

    async def pump(self, send: Send, receive: Receive) -> None:
        """In the loop: send what the thread hands over, as fast as the client takes it."""
        watch: asyncio.Task[None] | None = None
        started = last = False
        try:
            while not last:
                await self._changed.wait()
                piece, last = self._take()
                if not started:
                    started, early = True, not self._body.complete
                    if early:
                        self._head["headers"].append((b"connection", b"close"))
                    await send(self._head)
                if watch is None and not last and not early:
                    watch = asyncio.create_task(gone(receive))
                if watch is not None and watch.done():
                    raise ClientLeft("The client left before the answer was complete.")
                if last and not early:
                    await send({"type": "http.response.body", "body": piece})
                else:
                    async with asyncio.timeout(STALLED):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
            if early:
                await _linger(receive)
                await send({"type": "http.response.body", "body": b""})
        except (ClientLeft, TimeoutError) as error:  # nobody is there to be told; the server ends the connection
            self.fail(error)
        except BaseException as error:
            self.fail(error)
            raise
        finally:
            if watch is not None:
                watch.cancel()


async def _read_small(body: RequestBody, receive: Receive, send: Send) -> bool:
    """Read a small body, or say why it cannot be. Returns whether there is somebody to answer to."""
    try:
        await body.fill()
    except TimeoutError as error:
        await refuse(send, ReviewAppError(str(error), code="too_slow", http_status=408), unread=receive)
    except ClientLeft:
        return False
    return body.complete


async def gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _linger(receive: Receive) -> None:
    """Go on taking what a client sends that has not read its answer yet: a closed door would lose it the answer."""
    try:
        async with asyncio.timeout(LINGER):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


async def refuse(
    send: Send, error: ReviewAppError, *, unread: Receive | None = None, retry_after: int | None = None
) -> None:
    """Answer with the one error shape, without a thread. ``unread``: there is a body, so the connection ends."""
    text = json.dumps({"error": error.as_dict()}).encode()
    headers: Headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
    if unread is not None:
        headers.append((b"connection", b"close"))
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": unread is not None})
    if unread is not None:
        await _linger(unread)
        await send({"type": "http.response.body", "body": b""})


def too_large(max_bytes: int) -> ReviewAppError:
    text = f"The body is larger than {max_bytes // 2**20} MB. Send less at once."
    return ReviewAppError(text, code="body_too_large", http_status=413)


def _framing(scope: Scope) -> tuple[int, bool]:
    """The declared length of the body, and whether it is chunked. The server has refused what contradicts itself."""
    length, chunked = 0, False
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
    return length, chunked


def _environ(scope: Scope, body: RequestBody, chunked: bool) -> dict[str, Any]:
    """What WSGI wants to know. A chunked body has no length: ``wsgi.input_terminated`` says that it ends by itself."""
    server, client = scope.get("server") or ("localhost", 80), scope.get("client")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": client[0] if client else "",
        "REMOTE_PORT": str(client[1]) if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BufferedReader(body, SMALL),
        "wsgi.input_terminated": chunked,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": _file_wrapper,
    }
    for name, value in scope["headers"]:
        if b"_" in name:  # indistinguishable from one with a hyphen, which a proxy in front may have set
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def _file_wrapper(file: Any, block_size: int = 0) -> FileWrapper:
    return FileWrapper(file, FILE_BLOCK)
