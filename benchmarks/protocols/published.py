"""The numbers of STATISTICS §7.2 and §7.4, to stand beside ours. Percentage points of error rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Design:
    """RMSE of HT on errors, of tuned AIPW and of HT on right; coverage and width ratio of mid-p and of AIPW-Wilson."""

    ht: float
    aipw: float
    ht_of_right: float
    mid: float
    mid_width: float
    aw: float
    aw_width: float


@dataclass(frozen=True)
class Row:
    naive_bias: float
    naive_coverage: float
    uniform_rmse: float
    uniform_coverage: float
    uniform_width: float
    thick: Design  # tau .8
    thin: Design  # tau .5


# (scenario, model, budget): n labels | naive bias, coverage | uniform rmse, coverage, width | tau .8 | tau .5
_TEXT = """
0 0 .01 |  2.92  8.0 |  .553 95.9 2.80 |  .355  .335 7.31 95.2 1.03 94.7 .49 |  .285  .268 8.17 93.5 1.48 91.4 .35
0 0 .02 |  2.94  0.4 |  .392 96.6 1.76 |  .256  .237 5.15 94.4  .92 93.0 .52 |  .192  .181 5.77 93.6 1.23 93.2 .39
0 0 .05 |  2.89  0.0 |  .237 96.5 1.03 |  .153  .143 3.26 95.3  .76 93.5 .54 |  .114  .108 3.53 95.1  .91 93.0 .41
0 0 .10 |  2.90  0.0 |  .175 95.5  .71 |  .099  .093 2.20 95.9  .65 94.5 .51 |  .070  .068 2.52 94.8  .69 92.8 .36
0 1 .01 | 12.32  0.0 |  .555 96.2 2.77 |  .341  .338 7.83 94.8 1.01 78.3 .42 |  .320  .319 9.54 95.0 1.48 75.4 .36
0 1 .02 | 12.19  0.0 |  .383 96.9 1.76 |  .237  .236 5.48 93.5  .87 82.8 .49 |  .227  .227 6.76 94.4 1.22 78.2 .42
0 1 .05 |  8.07  0.0 |  .242 96.1 1.04 |  .137  .137 3.31 96.2  .70 89.5 .51 |  .135  .135 4.19 94.3  .91 83.0 .47
0 1 .10 |  5.18  0.0 |  .166 96.0  .71 |  .096  .096 2.35 95.3  .60 90.9 .51 |  .094  .094 2.95 94.2  .74 86.5 .48
1 0 .01 |  4.88 11.2 | 1.280 95.5 5.14 | 1.085  .962 7.03 96.0  .95 93.7 .71 |  .878  .789 7.98 95.3 1.07 94.2 .59
1 0 .02 |  4.91  0.8 |  .906 95.0 3.59 |  .733  .646 5.08 96.2  .87 95.0 .71 |  .606  .546 5.80 95.7  .90 94.0 .59
1 0 .05 |  4.97  0.0 |  .536 96.0 2.25 |  .441  .389 3.11 95.9  .82 95.8 .70 |  .369  .334 3.63 96.0  .76 94.1 .58
1 0 .10 |  4.93  0.0 |  .390 96.2 1.59 |  .310  .272 2.17 95.2  .77 95.0 .67 |  .248  .226 2.38 95.2  .66 94.2 .54
1 1 .01 | 12.76  0.0 | 1.271 95.7 5.17 |  .930  .887 7.48 95.7  .86 93.2 .69 |  .850  .826 9.26 94.8 1.03 90.8 .62
1 1 .02 | 12.78  0.0 |  .895 95.0 3.61 |  .663  .639 5.24 95.7  .79 94.3 .69 |  .595  .581 6.54 95.2  .86 92.8 .63
1 1 .05 | 12.71  0.0 |  .567 95.2 2.25 |  .408  .392 3.29 95.2  .74 95.0 .68 |  .363  .355 3.99 95.6  .73 93.8 .63
1 1 .10 | 12.72  0.0 |  .383 96.1 1.59 |  .274  .263 2.26 94.6  .69 94.9 .65 |  .247  .245 2.70 95.3  .65 93.9 .60
2 0 .05 |  2.39 51.8 | 1.224 95.5 4.90 | 1.328 1.081 2.78 94.7 1.06 95.5 .89 | 1.267 1.064 2.85 95.2 1.04 95.5 .87
2 0 .10 |  2.42 21.6 |  .841 96.0 3.46 |  .929  .780 1.95 94.7 1.03 94.2 .86 |  .871  .729 2.02 96.1 1.00 96.2 .84
"""


def _row(line: str) -> tuple[tuple[int, int, float], Row]:
    key, naive, uniform, thick, thin = ([float(word) for word in part.split()] for part in line.split("|"))
    row = Row(naive[0], naive[1], uniform[0], uniform[1], uniform[2], Design(*thick), Design(*thin))
    return (int(key[0]), int(key[1]), key[2]), row


ACCURACY = dict(_row(line) for line in _TEXT.strip().splitlines())

# (model, budget): uniform rmse, coverage and width of mid-p, coverage of the delta interval | the same, active
ESCAPE = {
    ("calibrated", 0.01): ((0.335, 98.5, 0.739, 56.8), (0.132, 94.0, 0.589, 90.5)),
    ("calibrated", 0.02): ((0.218, 96.8, 0.602, 81.5), (0.081, 95.5, 0.460, 94.3)),
    ("calibrated", 0.05): ((0.122, 97.5, 0.422, 94.0), (0.054, 94.3, 0.294, 91.3)),
    ("calibrated", 0.10): ((0.079, 96.0, 0.290, 92.5), (0.032, 95.5, 0.185, 91.3)),
    ("blind spot", 0.01): ((0.354, 96.5, 0.712, 61.0), (0.181, 93.8, 0.578, 81.0)),
    ("blind spot", 0.05): ((0.121, 95.8, 0.391, 94.0), (0.077, 95.5, 0.286, 86.0)),
    ("blind spot", 0.10): ((0.070, 96.0, 0.261, 94.0), (0.051, 94.0, 0.193, 88.8)),
}
