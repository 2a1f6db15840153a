"""Addresses of images that may be followed for a while: ours for one person, a station's for whoever was given it."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import datetime
from urllib.parse import quote, urlencode

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from labeling.models import Item, Station
from reviewapp.errors import NotAllowed

SALT = "labeling.images"
TILES = "tiles"  # what they are called where images have a size


def expiry(now: datetime) -> int:
    """The end of the next period: the same for a whole period, so that browsers find the image in their cache, and
    between one and two periods away.
    """
    period: int = settings.IMAGE_URL_SECONDS
    return (int(now.timestamp()) // period + 2) * period


def image_url(item: Item, size: str, *, user_id: int, now: datetime) -> str:
    """The address of an image, for one person until it expires; what the person may see is asked anew each time."""
    until = expiry(now)
    signature = Signer(salt=SALT).signature(_said(item.public_id, size, user_id, until))
    query = urlencode({"size": size, "for": user_id, "until": until, "signature": signature})
    return f"{reverse('item-image', args=[item.public_id])}?{query}"


def heat_url(item: Item, sha256: str, *, user_id: int, now: datetime) -> str:
    """The address of a heat map of a view, under the same rules."""
    until = expiry(now)
    signature = Signer(salt=SALT).signature(_said(item.public_id, heat_size(sha256), user_id, until))
    query = urlencode({"for": user_id, "until": until, "signature": signature})
    return f"{reverse('item-heatmap', args=[item.public_id, sha256])}?{query}"


def tiles_url(item: Item, *, user_id: int, now: datetime) -> str:
    """The address of a tile of a very large image, under the same rules; one signature for all of an image's.

    ``{level}``, ``{column}`` and ``{row}`` stand where a client puts the numbers.
    """
    until = expiry(now)
    signature = Signer(salt=SALT).signature(_said(item.public_id, TILES, user_id, until))
    query = urlencode({"for": user_id, "until": until, "signature": signature})
    path = reverse("item-tile", args=[item.public_id, 0, 0, 0]).replace("/0/0_0/", "/{level}/{column}_{row}/")
    return f"{path}?{query}"


def heat_size(sha256: str) -> str:
    """What a map is called where images have a size."""
    return f"heat-{sha256}"


def audience(public_id: uuid.UUID, size: str, *, query: dict[str, str], now: datetime) -> tuple[int, int] | None:
    """Whom a signed address is for, and for how many seconds still; None when it carries no signature.

    :raises NotAllowed: code ``image_url_expired`` or ``image_url_invalid``.
    """
    if "signature" not in query:
        return None
    user, until = query.get("for", ""), query.get("until", "")
    try:
        Signer(salt=SALT).unsign(f"{_said(public_id, size, user, until)}:{query['signature']}")
    except BadSignature as error:
        raise NotAllowed("The address of this image was changed.", code="image_url_invalid") from error
    left = int(until) - int(now.timestamp())
    if left <= 0:
        raise NotAllowed("The address of this image has expired. Ask for the review again.", code="image_url_expired")
    return int(user), left


def _said(public_id: uuid.UUID, size: str, user: object, until: object) -> str:
    return f"{public_id}/{size}/{user}/{until}"


def station_url(station: Station, path: str, *, now: datetime) -> str:
    """Where a browser fetches an image that stayed at its station. The station checks the signature of the address as
    it is asked (docs/operations.md): everything before ``&signature=``.
    """
    address = station.image_address + quote(path, safe="/")
    target = "/" + address.split("/", 3)[3] + f"?expires={expiry(now)}"
    signature = hmac.new(bytes.fromhex(station.image_secret), target.encode(), hashlib.sha256).hexdigest()
    return f"{address}?expires={expiry(now)}&signature={signature}"
