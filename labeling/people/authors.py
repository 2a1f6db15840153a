"""Whose word a verdict is, when somebody else is signed in by the time that it can be sent.

The station's page gets a token for its person and keeps it with every verdict that is not sent yet. After people
changed at the screen it goes along in a header, and the verdict is recorded under the token's person, never under
another's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from labeling.access import narrowed
from labeling.people.devices import device_of
from labeling.people.short_sessions import SCOPE
from reviewapp.errors import NotAllowed

if TYPE_CHECKING:
    from django.http import HttpRequest

    from labeling.models import StationDevice

HEADER = "X-Verdict-Author"
LIFE = timedelta(hours=12)  # a long shift, as a session
_signer = signing.Signer(salt="labeling.author")


class AuthorRefused(NotAllowed):
    """The verdict is not recorded. ``author_…`` codes tell the station to keep it until its person signs in."""

    code = "author_unknown"


def author_token(user: User, *, device: StationDevice | None, now: datetime) -> str:
    """What shows later that ``user`` said it, here."""
    made_at = int(now.timestamp())
    return _signer.sign_object({"u": user.pk, "d": device.pk if device else 0, "s": _stamp(user), "t": made_at})


def author_of(request: HttpRequest, *, user: User, now: datetime) -> User:
    """Who said what ``request`` carries: its token's person, without one ``user``, who is signed in.

    One's own token says nothing new, however old. Another person's is good only at the registered device at which it
    was made, so that a copy of it opens nothing elsewhere, and it lets that person speak and nothing else.

    :raises AuthorRefused: ``author_unknown`` (no token of ours), ``author_expired`` (older than `LIFE`),
        ``author_revoked`` (deactivated, or with another password or PIN since), ``author_elsewhere``.
    """
    token = request.headers.get(HEADER)
    if token is None:
        return user
    said = _read(token)
    if said.get("u") == user.pk:
        return user
    if now.timestamp() > said.get("t", 0) + LIFE.total_seconds():
        raise AuthorRefused(_("This was said too long ago to be sent by somebody else."), code="author_expired")
    author = User.objects.select_related("pin").filter(pk=int(said.get("u", 0)), is_active=True).first()
    if author is None or not constant_time_compare(str(said.get("s")), _stamp(author)):
        raise AuthorRefused(_("Its author's account or PIN changed since this was said."), code="author_revoked")
    device = device_of(request, now=now)
    if device is None or device.pk != said.get("d"):
        raise AuthorRefused(_("This was said by somebody else, at another screen."), code="author_elsewhere")
    return narrowed(author, SCOPE)


def _read(token: str) -> dict[str, Any]:
    try:
        said = _signer.unsign_object(token)
    except (signing.BadSignature, ValueError) as error:
        raise AuthorRefused(_("It is not known who said this.")) from error
    return said if isinstance(said, dict) else {}


def _stamp(user: User) -> str:
    """Another one after each change of the password or the PIN. Tells nothing of either."""
    pin = getattr(user, "pin", None)
    return salted_hmac("labeling.author.stamp", f"{user.password}|{pin.hash if pin else ''}").hexdigest()[:20]
