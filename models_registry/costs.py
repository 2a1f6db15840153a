"""What errors cost: a matrix of (true, predicted) from three prices and their exceptions. Pure.

Truth comes first: ``matrix[j, k]`` is the price of one inspection that is j and was called k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST = 1e9
"""No single error costs more, in whatever currency: beyond it somebody mistyped."""

POINTS = "XXX"
"""ISO 4217's code for no currency: where nobody has set a model's costs, errors and hours count points."""

# ISO 4217, active codes of countries and unions; `POINTS` among them.
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP
MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND
VUV WST XAF XCD XCG XOF XPF XXX YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())


class CostedLabel(Protocol):
    """What a price asks of a label."""

    @property
    def slug(self) -> str: ...
    @property
    def is_defect(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Costs:
    """Prices of one error each, in one currency. Raises ValueError for one outside [0, `MOST`], NaN included.

    `escape`: a defect passed as good. `overkill`: a good part called a defect. `confusion`: one defect called another.
    `overrides`: (true, predicted) slugs with a price of their own; a correct label may have one too (a scrapped part
    costs something even when the model is right).
    """

    escape: float
    overkill: float
    confusion: float
    overrides: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for price in (self.escape, self.overkill, self.confusion, *self.overrides.values()):
            if not 0 <= price <= MOST:
                raise ValueError(f"a price lies between 0 and {MOST:.0f}, not at {price}")


def cost_matrix(labels: Sequence[CostedLabel], costs: Costs) -> Floats:
    """The price of every (true, predicted) pair, (K, K), for K labels in the order given.

    What is right costs nothing, and so does one good label called another, unless an override says so. An override
    that names a label which is not there is passed over: label sets get new versions.
    """
    is_defect = np.array([label.is_defect for label in labels], dtype=bool)
    true, predicted = is_defect[:, None], is_defect[None, :]
    prices = np.select(
        [true & ~predicted, ~true & predicted, true & predicted], [costs.escape, costs.overkill, costs.confusion], 0.0
    )
    np.fill_diagonal(prices, 0.0)
    place = {label.slug: number for number, label in enumerate(labels)}
    for (one, other), price in costs.overrides.items():
        if one in place and other in place:
            prices[place[one], place[other]] = price
    return np.asarray(prices, dtype=np.float64)


def cost_of_passing_all(labels: Sequence[CostedLabel], costs: Costs) -> Floats:
    """The price per true class, (K,), if there were no inspection and every part were passed: what a model saves.

    The column of the first label that is no defect. In a set of defects alone every part would be an escape.
    """
    good = next((number for number, label in enumerate(labels) if not label.is_defect), None)
    if good is None:
        return np.full(len(labels), costs.escape)
    return np.asarray(cost_matrix(labels, costs)[:, good], dtype=np.float64)
