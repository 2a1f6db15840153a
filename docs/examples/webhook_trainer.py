"""A trainer of kind "webhook": takes a signed request, learns, and calls back with progress and the artifact.

    [trainers.elsewhere]
    kind = "webhook"
    url = "http://trainer.example.com:9000/"
    secret = "whsec_…"                        # the same as in TRAINER_SECRET here
    callback = "https://review.example.com"   # this server, as the trainer sees it

    TRAINER_SECRET=whsec_… python webhook_trainer.py 9000

A real one starts a job of its orchestrator instead of a thread; what is signed, asked and sent back is the same. The
learning itself is that of command_trainer.py beside this file.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import command_trainer
import numpy as np

SECRET = os.environ["TRAINER_SECRET"]
Request = dict[str, Any]
taken: set[str] = set()  # a request that is sent again has the same id


class Trainer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        uid, stamp, signature = (self.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        if not signed(uid, stamp, body, signature):
            self.answer(401)
            return
        request = json.loads(body)
        if request["id"] not in taken:
            taken.add(request["id"])
            threading.Thread(target=train, args=(request,)).start()
        self.answer(202)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


def signed(uid: str, timestamp: str, body: bytes, given: str) -> bool:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, f"{uid}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return any(hmac.compare_digest(one, "v1," + base64.b64encode(digest).decode()) for one in given.split())


def train(request: Request) -> None:
    try:
        learn(request)
    except Exception as error:
        call(request, "failed/", json.dumps({"reason": repr(error)}).encode())


def learn(request: Request) -> None:
    header, *rows = [json.loads(line) for line in call(request, "manifest/").splitlines()]
    pixels, started = [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number, row in enumerate(rows, start=1):
            path = Path(folder) / "image"
            path.write_bytes(call(request, "images/" + row["images"][0].rpartition("/")[2]))
            pixels.append(command_trainer.grey(path))
            rate = number / (time.monotonic() - started)
            told = {"images a second": rate}  # a real one tells its loss and its accuracy
            said = {
                "progress": 0.9 * number / len(rows),
                "message": f"{number} of {len(rows)} images",
                "metrics": told,
            }
            if number % 10 == 0:
                call(request, "progress/", json.dumps(said).encode())
    truth = np.array([header["classes"].index(row["label"]) for row in rows])
    learned = command_trainer.learn(np.stack(pixels), truth, len(header["classes"]), seed=request["seed"])
    content = command_trainer.onnx_file(*learned, header["classes"])
    headers = {
        "X-Sha256": hashlib.sha256(content).hexdigest(),
        "X-Format": "onnx",
        "X-Metrics": json.dumps({"rows": len(rows)}),
    }
    call(request, "artifact/", content, headers)


def call(request: Request, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """GET, or POST where there is a body, with the token of this one run."""
    told = {"Authorization": "Bearer " + request["token"], "Content-Type": "application/octet-stream"}
    asked = urllib.request.Request(request["callback"] + path, body, told | (headers or {}))  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - the signature says who gave the address
        return bytes(answer.read())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Trainer).serve_forever()
