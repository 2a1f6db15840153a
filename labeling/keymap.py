"""Which key does what at the station: the usual keys, a label set's own, and what a person has changed.

What a person chose comes first, then the station's usual keys, then the label set's, then the free digits in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

MINUS = "\N{MINUS SIGN}"  # what a cap shows; some keyboards type it
# The first key is the one on the cap; the person's own takes its place.
ACTIONS: dict[str, tuple[str, ...]] = {
    "suggested": ("enter",), "other": ("x",), "unsure": ("u",), "bad_image": ("b",), "undo": ("z", "backspace"),
    "note": ("n",), "skip": ("s",), "change": ("c",), "hide": ("h",), "regions": ("r",),
    "view": ("v",), "bad_view": ("m",),
    "golden": ("g",), "full": ("f",),
    "zoom_in": ("+", "="), "zoom_out": ("-", MINUS), "fit": ("0",), "darker": ("[",), "brighter": ("]",),
    "contrast_less": ("{",), "contrast_more": ("}",), "invert": ("i",), "pixels": ("p",), "keys": ("?",),
}  # fmt: skip
NAMES: dict[str, Any] = {
    "suggested": _("As suggested"), "other": _("Other label"), "unsure": _("Unsure"), "bad_image": _("Bad image"),
    "undo": _("Undo"), "note": _("Note for the next verdict"), "skip": _("Skip this part"),
    "change": _("What the model said of the last part"), "hide": _("Hide overlays while held"),
    "regions": _("Regions: keep, move, draw"),
    "view": _("The next view enlarged, then all"), "bad_view": _("The enlarged view is a bad image"),
    "golden": _("Golden sample"), "full": _("Full screen"), "zoom_in": _("Zoom in"), "zoom_out": _("Zoom out"),
    "fit": _("Whole image"), "darker": _("Darker"), "brighter": _("Brighter"), "contrast_less": _("Less contrast"),
    "contrast_more": _("More contrast"), "invert": _("Invert"), "pixels": _("Single pixels"), "keys": _("All keys"),
}  # fmt: skip
OF_A_LABEL = "label:"
NAMED = frozenset({"enter", "backspace", "delete", "home", "end"})  # the other keys move, leave or open something
DIGITS = "123456789"


@dataclass(frozen=True, slots=True)
class LabelKey:
    """A label with the key that its set gives it; empty: none."""

    slug: str
    name: str
    hotkey: str = ""

    @property
    def action(self) -> str:
        return OF_A_LABEL + self.slug


@dataclass(frozen=True, slots=True)
class Keys:
    """What each action and each label answers to. A label without a key is touched, or found in the list."""

    actions: dict[str, list[str]]
    labels: dict[str, str]


def resolve(labels: Iterable[LabelKey], own: Mapping[str, str]) -> Keys:
    """The keys that hold for one label set. Never two meanings for one key."""
    labels = list(labels)
    taken = {own[name] for name in (*ACTIONS, *(label.action for label in labels)) if name in own}
    actions = {name: _kept(name, usual, own, taken) for name, usual in ACTIONS.items()}
    taken |= {key for keys in actions.values() for key in keys}
    found = {label.slug: own[label.action] for label in labels if label.action in own}
    for label in labels:
        key = label.hotkey.lower()
        if label.slug not in found and key and key not in taken:
            found[label.slug] = key
            taken.add(key)
    free = iter([digit for digit in DIGITS if digit not in taken])
    return Keys(actions, {label.slug: found.get(label.slug) or next(free, "") for label in labels})


def _kept(name: str, usual: tuple[str, ...], own: Mapping[str, str], taken: set[str]) -> list[str]:
    others = [key for key in (usual[1:] if name in own else usual) if key not in taken]
    return [own[name], *others] if name in own else others


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a person cannot have a key: no such action here, no such key, or it is the key of another action."""

    cause: Literal["unknown", "no_key", "taken"]
    key: str = ""
    holder: str = ""


def why_refused(labels: Iterable[LabelKey], own: Mapping[str, str]) -> dict[str, Refusal]:
    """What is wrong with a person's keys, by action; nothing where all is well. A conflict names the other side."""
    labels = list(labels)
    known = {*NAMES, *(label.action for label in labels)}
    wrong = {name: Refusal("unknown") for name in own if name not in known}
    wrong |= {name: Refusal("no_key", key) for name, key in own.items() if name in known and not _is_key(key)}
    usual = resolve(labels, {})
    holders = {key: name for name, keys in usual.actions.items() if name not in own for key in keys}
    holders |= {key: OF_A_LABEL + slug for slug, key in usual.labels.items() if key and OF_A_LABEL + slug not in own}
    for name, key in own.items():
        if name in wrong:
            continue
        if key in holders:
            wrong[name] = Refusal("taken", key, holders[key])
        holders[key] = name
    return wrong


def _is_key(key: str) -> bool:
    return key in NAMED or (len(key) == 1 and key.isprintable() and not key.isspace() and key == key.lower())


def cap(key: str) -> str:
    """What is printed on the cap."""
    return MINUS if key == "-" else key.capitalize()
