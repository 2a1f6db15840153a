"""What two versions said of the same inspections, one by one: what a comparison's page shows. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

Kind = Literal["broken", "fixed", "both_wrong", "both_right"]
KINDS: tuple[Kind, ...] = ("broken", "fixed", "both_wrong", "both_right")


class Told(msgspec.Struct, frozen=True):
    """One inspection: the truth, both words, and how sure each was (None where it gives no confidence).

    ``item`` names an image to look at, ``pi`` is the chance with which it was drawn (None: not drawn).
    """

    inspection: str
    part: str
    item: str
    truth: str
    champion: str
    candidate: str
    champion_sure: float | None
    candidate_sure: float | None
    pi: float | None

    @property
    def kind(self) -> Kind:
        if self.candidate == self.truth:
            return "both_right" if self.champion == self.truth else "fixed"
        return "broken" if self.champion == self.truth else "both_wrong"


def encode(told: Iterable[Told]) -> bytes:
    """One JSON object a line. The same words are the same bytes."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(one) + b"\n" for one in told)


def decode(content: bytes) -> list[Told]:
    """:raises msgspec.DecodeError: not what `encode` writes."""
    decoder = msgspec.json.Decoder(Told)
    return [decoder.decode(line) for line in content.splitlines()]


def chosen(told: Sequence[Told], *, kind: str, label: str) -> list[Told]:
    """Those of a kind (all but what both got right, unless said) and of a true or said label; what was broken first,
    the candidate's most certain words first."""
    kinds: Sequence[str] = (kind,) if kind in KINDS else KINDS[:3]
    found = [
        one for one in told if one.kind in kinds and (not label or label in (one.truth, one.champion, one.candidate))
    ]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), -(one.candidate_sure or 0.0), one.inspection))


def counts(told: Sequence[Told]) -> dict[Kind, int]:
    found = Counter(one.kind for one in told)
    return {kind: found[kind] for kind in KINDS}


class ConfusionCell(msgspec.Struct, frozen=True):
    """How often a true label was called another, by the champion and by the candidate."""

    before: int
    after: int
    is_right: bool

    @property
    def change(self) -> int:
        return self.after - self.before


def confusions(told: Sequence[Told], labels: Sequence[str]) -> list[tuple[str, list[ConfusionCell]]]:
    """Rows of (true label, cells by said label), for the labels that occur, in the order of ``labels``."""
    seen = {word for one in told for word in (one.truth, one.champion, one.candidate)}
    order = [*(label for label in labels if label in seen), *sorted(seen - set(labels))]
    before = Counter((one.truth, one.champion) for one in told)
    after = Counter((one.truth, one.candidate) for one in told)
    return [
        (true, [ConfusionCell(before[true, said], after[true, said], true == said) for said in order]) for true in order
    ]
