"""What the web server promises, asked of a real one: bounded memory, honest ends, no thread held for free."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from reviewapp.embedded.lifeline import tied_to_this_process
from tests.conftest import PROJECT
from tests.faults.echo import MAX_BYTES

pytestmark = pytest.mark.slow
MB = 2**20


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    port: int
    notes_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def worker(self) -> psutil.Process:
        return psutil.Process(self.process.pid).children()[0]

    def connect(self, text: str = "") -> socket.socket:
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        peer.sendall(text.encode())
        return peer

    def notes(self) -> str:
        return self.notes_file.read_text() if self.notes_file.exists() else ""

    def noted(self, text: str, *, within: float = 5.0) -> bool:
        end = time.monotonic() + within
        while text not in self.notes() and time.monotonic() < end:
            time.sleep(0.02)
        return text in self.notes()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def has_ended(process: psutil.Process) -> bool:
    """Also when nobody collects it: in many containers process 1 does not care for orphans."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    notes, port = folder / "notes", free_port()
    environment = os.environ | {"PORT": str(port), "REVIEWAPP_WEB_PROCESSES": "1", "ECHO_NOTES": str(notes)}
    command = [sys.executable, "-m", "reviewapp.serve", "tests.faults.echo:application"]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, preexec_fn=tied_to_this_process())
    server = Server(process, port, notes)
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(server.url)
                break
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("echo")) as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Server:
    shared.notes_file.unlink(missing_ok=True)
    return shared


def answer_of(peer: socket.socket) -> tuple[int, str]:
    """The status and everything that came until the connection ended or fell silent."""
    peer.settimeout(5)
    text = b""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while piece := peer.recv(65_536):
            text += piece
    return int(text.split()[1]), text.decode()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_streamed_in_bounded_memory(server: Server, chunked: bool) -> None:
    piece = os.urandom(MB)
    n = 50
    headers = {} if chunked else {"Content-Length": str(n * MB)}
    before = server.worker().memory_info().rss
    answer = httpx.post(server.url, content=(piece for _ in range(n)), headers=headers, timeout=60)
    said = answer.json()
    assert (said["n_bytes"], said["sha256"]) == (n * MB, hashlib.sha256(piece * n).hexdigest())
    assert said["CONTENT_LENGTH"] == (None if chunked else str(n * MB))
    assert server.worker().memory_info().rss - before < 20 * MB


def test_a_client_sends_no_faster_than_the_view_reads(server: Server) -> None:
    with server.connect(f"POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: {64 * MB}\r\n\r\n") as peer:
        peer.setblocking(False)
        sent, end, piece = 0, time.monotonic() + 0.6, bytes(MB)
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                sent += peer.send(piece)
    assert sent < 16 * MB  # what the kernel's buffers hold
    assert server.noted("ClientLeft")


@pytest.mark.parametrize(
    "framing", [f"Content-Length: {10 * MB}", "Transfer-Encoding: chunked\r\n\r\n30000\r\n", "Content-Length: 1000"]
)
def test_a_body_that_is_cut_off_is_an_error_and_never_a_short_body(server: Server, framing: str) -> None:
    with server.connect(f"POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n" + "x" * 900):
        time.sleep(0.2)
    small = framing == "Content-Length: 1000"  # no view has seen it
    assert server.noted("ClientLeft", within=0.5 if small else 5) != small
    assert "read" not in server.notes()


def test_connections_are_kept_and_headers_arrive_as_they_were_sent(server: Server) -> None:
    with httpx.Client(headers={"X-Forwarded-For": "9.9.9.9", "X_Forwarded_Proto": "https"}) as client:
        said = client.get(server.url + "/caf%C3%A9%ff/?q=%20").json()
        peer_of = [client.get(server.url).extensions["network_stream"].get_extra_info("client_addr") for _ in range(3)]
    assert said["REMOTE_ADDR"] == "127.0.0.1"
    assert (said["HTTP_X_FORWARDED_PROTO"], said["wsgi.url_scheme"]) == (None, "http")
    assert said["PATH_INFO"].encode("latin-1") == b"/caf\xc3\xa9\xff/"
    assert said["QUERY_STRING"] == "q=%20"
    assert len(set(peer_of)) == 1


def test_an_answer_is_streamed_and_ends_when_the_client_leaves(server: Server) -> None:
    begun = time.monotonic()
    with httpx.stream("GET", server.url + "/stream") as answer:
        first = next(answer.iter_raw(2))
        assert (first, time.monotonic() - begun < 20) == (b"0\n", True)  # the whole takes a minute
    assert server.noted("stream closed", within=20)


def test_a_reader_that_does_not_read_holds_no_memory(server: Server) -> None:
    before = server.worker().memory_info().rss
    with server.connect("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"):
        time.sleep(1.5)
        assert server.worker().memory_info().rss - before < 10 * MB
    assert server.noted("stream closed")


def test_those_who_send_slowly_hold_no_thread(server: Server) -> None:
    with contextlib.ExitStack() as open_ones:
        for text in [
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nslow",
            "GET / HTTP/1.1\r\nX-Slow: ",
        ] * 20:
            open_ones.enter_context(server.connect(text))
        begun = time.monotonic()
        assert httpx.get(server.url, timeout=15).status_code == 200
        assert time.monotonic() - begun < 15  # the slow ones are sent away after 20


def test_a_head_without_end_is_refused(server: Server) -> None:
    with server.connect("GET / HTTP/1.1\r\nX-Long: ") as peer:
        with contextlib.suppress(OSError):
            for _ in range(32):
                peer.sendall(b"x" * 8192)
        assert answer_of(peer)[0] == 431


@pytest.mark.parametrize("path", ["/", "/refuse"])
def test_a_body_that_is_too_large_is_refused_early_and_its_sender_reads_why(server: Server, path: str) -> None:
    length = 10_000 * MB if path == "/" else MAX_BYTES
    with server.connect(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n") as peer:
        peer.sendall(bytes(MB))  # it sends on, as clients do
        status, text = answer_of(peer)
    assert status == (413 if path == "/" else 403)
    assert "connection: close" in text.lower()
    if path == "/":
        assert json.loads(text.rpartition("\r\n\r\n")[2])["error"]["code"] == "body_too_large"


def test_a_chunked_body_that_is_too_large_is_an_error_for_its_reader(server: Server) -> None:
    pieces = (bytes(MB) for _ in range(MAX_BYTES // MB + 2))
    assert httpx.post(server.url, content=pieces, timeout=60).json()["error"] == "ReviewAppError"


@pytest.mark.parametrize(
    "head", ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Content-Length: 4, 5", "Bad Header"]
)
def test_a_contradictory_head_is_refused(server: Server, head: str) -> None:
    with server.connect(f"POST / HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n0\r\n\r\n") as peer:
        assert answer_of(peer)[0] == 400


def test_a_stop_ends_within_the_grace_period_though_a_view_hangs(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.connect("GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n"):
        assert server.noted("sleeping")
        begun = time.monotonic()
        server.process.terminate()
        server.process.wait(30)
        assert time.monotonic() - begun < 30  # the view hangs for a minute


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_the_processes_end_with_their_parent(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        worker = server.worker()
        server.process.send_signal(signal.SIGKILL)
        end = time.monotonic() + 30
        while not has_ended(worker):
            assert time.monotonic() < end, "the worker lives on"
            time.sleep(0.05)


def test_a_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.worker().kill()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError, IndexError):
                if httpx.get(server.url, timeout=2).status_code == 200:
                    break
            time.sleep(0.1)
        assert httpx.get(server.url, timeout=5).status_code == 200
