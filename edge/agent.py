#!/usr/bin/env python3
"""Answers the line in time, whatever the network does. Standard library only, Python 3.9 or newer. See docs/edge.md.

line --POST /predictions/--> spool (SQLite, each commit on the disk) --> server. An entry waits in the spool until
    the server answered in `answer_ms`   the line is told the server's answer, written down first
    it did not                           the line is told the label's default; the row is sent late, in order
    the server refuses the row (4xx)     the line is told the default; dead-letter.jsonl has the row and the error
What still waits after a crash counts as told its default: the line can have been told nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import random
import signal
import sqlite3
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable
from urllib.parse import urlsplit

GRAVITY = ("pass", "hold", "reject")  # of several views of one part the gravest speaks
MAX_BODY, MAX_ANSWER, MAX_ROWS, MAX_FLIGHTS, BATCH, THREADS = 64 << 20, 16 << 20, 200, 500, 100, 8
KEPT = 10_000  # answers remembered, so that a resend is told the same
MARGIN, PROBE, LONGEST_PAUSE, LATE_TIMEOUT = 0.02, 0.2, 15.0, 10.0  # seconds
RETRY = {401, 403, 404, 405, 407, 408, 425, 429}  # of a whole request: nothing is wrong with its rows
SCRIPT = """PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
  CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL,
  rows TEXT NOT NULL, answer TEXT NOT NULL, at REAL NOT NULL, sent INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX IF NOT EXISTS entries_sent ON entries (sent, id);"""
PUT = "INSERT INTO entries (key, rows, answer, at) VALUES (?, ?, ?, ?)"
SENT = "UPDATE entries SET sent = 1, rows = '', answer = coalesce(?, answer) WHERE id = ?"
FIND = "SELECT id, answer FROM entries WHERE key = ?"
OLDEST = "SELECT id, key, rows, answer FROM entries WHERE sent = 0 ORDER BY id LIMIT ?"
CONFIG: dict[str, Any] = {
    "server": "",  # https://review.example.com/api/v1
    "defaults": {},  # label -> pass, reject or hold: what the line is told while the server is silent
    "default": "hold",  # of a label that is not in `defaults`
    "api_key": os.environ.get("REVIEWAPP_API_KEY", ""),
    "ca_file": None,  # of a server whose certificate the plant signed itself
    "folder": "edge-data",
    "host": "127.0.0.1",
    "port": 8765,
    "answer_ms": 300,
    "max_mb": 1024,  # of the spool; when it is full, no row is taken in and the answers say so
}


class Agent:
    def __init__(self, config: Any) -> None:
        self.config, self.folder, self.url = config, Path(config.folder), urlsplit(config.server.rstrip("/"))
        self.headers = {"Authorization": f"Bearer {config.api_key}", "Content-Type": "application/json"}
        tls = ssl.create_default_context(cafile=config.ca_file) if self.url.scheme == "https" else None
        self.connect: Any = partial(http.client.HTTPSConnection, context=tls) if tls else http.client.HTTPConnection
        self.writer, self.callers = ThreadPoolExecutor(1), ThreadPoolExecutor(THREADS)  # the disk waits for no network
        self.disk, self.db, self.trouble = threading.RLock(), None, "ok"  # type: Any, Any, str  # one connection, one lock
        self.flights, self.silent_until, self.n_not_spooled, self.last_error = {}, 0.0, 0, ""  # type: Any, float, int, str

    def run(self, sql: str, *values: Any) -> list[Any]:
        """One statement, one transaction. :raises sqlite3.Error, OSError: the disk is full, or broken."""
        with self.disk:
            try:
                if self.db is None:
                    self.folder.mkdir(parents=True, exist_ok=True)
                    self.db = sqlite3.connect(self.folder / "spool.db", 0.1, 0, None, check_same_thread=False)
                    self.db.executescript(f"PRAGMA max_page_count={self.config.max_mb * 256};{SCRIPT}")
                found = self.db.execute(sql, values).fetchall()
            except (sqlite3.Error, OSError) as error:
                self.trouble = str(error)
                self.db = self.db and self.db.close()
                if not isinstance(error, (sqlite3.OperationalError, OSError)):  # malformed, or no database: a new one
                    for path in self.folder.glob("spool.db*"):
                        path.rename(path.with_name(f"broken-{time.time_ns()}-{path.name}"))
                raise
            self.trouble = self.trouble if sql.startswith("SELECT") else "ok"
            return list(found)

    def put(self, flight: Any) -> None:
        """Write the entry down, unless it is there: then the line is told what it was told before."""
        with self.disk:
            if known := self.run(FIND, flight.key):
                flight.told.setdefault("line", ("spool", json.loads(known[0][1])))
            else:
                self.run(PUT, flight.key, json.dumps(flight.rows), json.dumps(flight.default), time.time())
            flight.entry = self.run(FIND, flight.key)[0][0]

    def sent(self, entry: int, answer: list[Any] | None = None) -> None:
        """The server has it. ``answer``: what the line was told instead of the default."""
        self.run(SENT, json.dumps(answer) if answer else None, entry)
        if entry % 100 == 0:
            self.run("DELETE FROM entries WHERE sent = 1 AND id < ?", entry - KEPT)

    def answer(self, rows: list[Any], deadline: float) -> list[Any]:
        """What the line is told, before ``deadline`` (monotonic). The same rows again are told the same."""
        key = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
        stamped, told = [{"captured_at": stamp(time.time()), **row} for row in rows], self.defaults_of(rows)
        flight = mine = SimpleNamespace(key=key, rows=stamped, default=told, entry=0, told={}, ready=threading.Event())
        if len(self.flights) < MAX_FLIGHTS:
            flight = self.flights.setdefault(key, mine)
            if flight is mine:
                self.writer.submit(self._fly, flight, self.put)
        flight.ready.wait(deadline - time.monotonic())
        by, said = flight.told.setdefault("line", ("edge", flight.default))
        self.n_not_spooled += by == "edge" and not flight.entry
        return [one if one["answered_by"] == "server" else {**one, "spooled": bool(flight.entry)} for one in said]

    def defaults_of(self, rows: list[Any]) -> list[Any]:
        told, said = {}, {"status": "spooled", "review": "none", "answered_by": "edge"}  # type: dict[str, str], Any
        for row in rows:
            default = self.config.defaults.get(str(row.get("label")), self.config.default)
            told[part_of(row)] = max(told.get(part_of(row), "pass"), default, key=GRAVITY.index)
        words = [{name: row.get(name) for name in ("inspection_id", "label")} for row in rows]
        return [{"row": i, **words[i], "disposition": told[part_of(row)], **said} for i, row in enumerate(rows)]

    def _fly(self, flight: Any, step: Callable[[Any], None]) -> None:
        try:
            step(flight)
        except Exception as error:  # whatever it is: the line is told the default, and the entry waits
            self.note(error)
        if step == self.put and not flight.told and time.monotonic() >= self.silent_until:
            self.callers.submit(self._fly, flight, self._ask)  # even with the disk full the server may hear of it
        else:
            self.flights.pop(flight.key, None)
            flight.ready.set()

    def _ask(self, flight: Any) -> None:
        if flight.told:
            return
        results, answer = self.post_rows(flight.rows, self.config.answer_ms / 1000), []
        for one, default in zip(results, flight.default):
            answer.append({**default, "error": one["error"]} if "error" in one else {**one, "answered_by": "server"})
        by = flight.told.setdefault("line", ("server", answer))[0]  # atomic: whoever comes first has answered the line
        if by == "server" and flight.entry:  # else the line was told the default: it is sent late
            try:
                self._bury(late_rows(flight.rows, flight.default), results)
                self.sent(flight.entry, answer)
            except Exception:  # the line is told only what is written down
                flight.told["line"] = ("edge", flight.default)
                raise

    def post_rows(self, rows: list[Any], timeout: float) -> list[Any]:
        """One result a row. Refused as a whole, they go one by one. :raises ConnectionError: no usable answer."""
        try:
            with closing(self.connect(self.url.hostname, self.url.port, timeout=timeout)) as connection:
                connection.request("POST", f"{self.url.path}/predictions/", json.dumps(rows), self.headers)
                response = connection.getresponse()
                status, said = response.status, dict(json.loads(response.read(MAX_ANSWER)))
        except (OSError, http.client.HTTPException, ValueError, TypeError) as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        if "results" not in said and status < 500 and status not in RETRY:
            if len(rows) > 1:
                return [one for row in rows for one in self.post_rows([row], timeout)]
            said = {"results": [said]}
        results: list[Any] = said.get("results", [])
        if len(results) != len(rows) or not all("error" in one or "disposition" in one for one in results):
            raise ConnectionError(f"HTTP {status}: {str(said)[:300]}")
        return results

    def replay_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                pause, failures = (0.0 if self.replay() else PROBE), 0
            except Exception as error:  # the loop goes on; the status says why it does not get on
                failures = min(failures + 1, 20)
                pause = min(LONGEST_PAUSE, PROBE * 2**failures) * random.uniform(0.5, 1)  # noqa: S311 - jitter
                self.note(error, pause)
            time.sleep(pause)

    def replay(self) -> int:
        """Send the oldest entries late, in order. Returns how many left the queue."""
        batch = self._batch()
        results = self.post_rows([row for _, mine in batch for row in mine], LATE_TIMEOUT) if batch else []
        self.silent_until = 0.0 if batch else self.silent_until
        for entry, mine in batch:
            self._bury(mine, results[: len(mine)])
            self.sent(entry)
            del results[: len(mine)]
        return len(batch)

    def _batch(self) -> list[tuple[int, list[Any]]]:
        """The oldest waiting entries whose answer is out, as late rows. A part that comes twice ends the batch."""
        batch, parts = [], set()  # type: list[tuple[int, list[Any]]], set[str]
        with self.disk:  # so that no answer is written down between the two looks
            for entry, key, rows, told in self.run(OLDEST, BATCH):
                flight, mine = self.flights.get(key), late_rows(json.loads(rows), json.loads(told))
                here = {part_of(row) for row in mine}
                undecided = flight is not None and flight.told.get("line", "?")[0] != "edge"
                if undecided or parts & here or len(parts) > MAX_ROWS:
                    break
                parts |= here
                batch.append((entry, mine))
        return batch

    def _bury(self, rows: list[Any], results: list[Any]) -> None:
        at = stamp(time.time())
        dead = [{"at": at, "error": one["error"], "row": row} for row, one in zip(rows, results) if "error" in one]
        if dead:
            with (self.folder / "dead-letter.jsonl").open("ab", buffering=0) as file:
                file.write("".join(json.dumps(one) + "\n" for one in dead).encode())
                os.fsync(file.fileno())

    def note(self, error: Exception, pause: float = 1.0) -> None:
        self.last_error = f"{stamp(time.time())} {type(error).__name__}: {error}"[:500]
        if isinstance(error, ConnectionError):
            self.silent_until = time.monotonic() + pause

    def status(self) -> dict[str, Any]:
        letters, queue, oldest = self.folder / "dead-letter.jsonl", None, None
        with suppress(sqlite3.Error, OSError):  # said as `spool`
            queue, oldest = self.run("SELECT count(*), min(at) FROM entries WHERE sent = 0")[0]
        said = {"queue": queue, "oldest_at": oldest and stamp(oldest), "not_spooled": self.n_not_spooled}
        said |= {"server": "silent" if time.monotonic() < self.silent_until else "answers", "spool": self.trouble}
        said |= {"dead_letter_bytes": letters.stat().st_size if letters.exists() else 0, "last_error": self.last_error}
        return said


class Door(BaseHTTPRequestHandler):  # the line's side: POST /predictions/ and GET /status
    protocol_version, disable_nagle_algorithm, timeout = "HTTP/1.1", True, 60
    agent: Agent

    def do_GET(self) -> None:
        self.reply(200, self.agent.status())

    def do_POST(self) -> None:
        length, deadline = self.headers.get("Content-Length", ""), self.agent.config.answer_ms / 1000 - MARGIN
        rows = said = None  # type: Any
        self.close_connection = not length.isdecimal() or int(length) > MAX_BODY
        if not self.close_connection and "Origin" not in self.headers:  # a page in a browser has no business here
            body, deadline = self.rfile.read(int(length)), time.monotonic() + deadline
            with suppress(ValueError, RecursionError):
                said = json.loads(body)
            rows = said if isinstance(said, list) else [said]
        if not rows or len(rows) > MAX_ROWS or not all(isinstance(row, dict) for row in rows):
            told = {"disposition": self.agent.config.default, "answered_by": "edge", "spooled": False}
            return self.reply(400, {**told, "error": f"POST /predictions/ takes 1 to {MAX_ROWS} rows as JSON."})
        answer = self.agent.answer(rows, deadline)
        self.reply(200, {"results": answer} if rows is said else answer[0])

    def reply(self, status: int, said: Any) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    log_message = staticmethod(lambda *_: None)  # type: ignore[assignment]  # the status says what matters


def late_rows(rows: list[Any], told: list[Any]) -> list[Any]:
    return [{**row, "late": True, "answered": one["disposition"]} for row, one in zip(rows, told)]


def part_of(row: dict[str, Any]) -> str:
    return json.dumps([row.get("source"), row.get("inspection_id")])


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")


def main() -> None:
    parser = argparse.ArgumentParser(description="Answers the line in time, whatever the network does.")
    parser.add_argument("--config", default="edge.json")
    parser.add_argument("--status", action="store_true", help="what the running agent says of itself")
    chosen = parser.parse_args()
    config = SimpleNamespace(**{**CONFIG, **json.loads(Path(chosen.config).read_text(encoding="utf-8"))})
    strangers = sorted(set(vars(config)) - set(CONFIG))
    usable = config.server.startswith("http") and {config.default, *config.defaults.values()} <= set(GRAVITY)
    if strangers or not usable or not config.api_key:
        raise SystemExit(
            f"{chosen.config}: needs server, api_key, defaults (each of {GRAVITY}); not known: {strangers}"
        )
    if chosen.status:
        running = http.client.HTTPConnection(config.host, config.port, timeout=10)
        running.request("GET", "/status")
        return print(running.getresponse().read().decode())
    Door.agent = agent = Agent(config)
    door = ThreadingHTTPServer((config.host, config.port), Door)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # what is not on the disk yet has been told nobody
    threading.Thread(target=agent.replay_for_ever, daemon=True).start()
    print(f"listening on http://{config.host}:{door.server_port}", flush=True)
    door.serve_forever()


if __name__ == "__main__":
    main()
