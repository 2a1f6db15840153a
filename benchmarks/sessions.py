"""Signs a benchmark's inspectors in without their passwords, whose slow hash would be most of the benchmark."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402 - after the set-up
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402


def main(n: int) -> None:
    found = []
    for number in range(n):
        user, session = User.objects.get(username=f"inspector-{number}"), SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        found.append(session.session_key)
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
