"""``python -m reviewapp.healthcheck``: exit code 0 when the web server of this container and both engines answer.

Asks as the proxy in front does: by the first name that the product answers to, and as https.
"""

from __future__ import annotations

import http.client
import os
import sys

SECONDS = 4


def main() -> int:
    host = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost").split(",")[0].strip() or "localhost"
    web = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=SECONDS)
    try:
        web.request("GET", "/healthz", headers={"Host": host, "X-Forwarded-Proto": "https"})
        answer = web.getresponse()
        sys.stdout.write(f"{answer.status} {answer.read(500).decode(errors='replace')}\n")
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
