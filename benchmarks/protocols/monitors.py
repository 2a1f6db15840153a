"""Protocols "alarm", "feedback" and "pair" (STATISTICS §7.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.streams import HALF_LIFE, P01, P10, PRIOR, Floats, Frame, Stream, chances, make_stream, validation_mean
from models_registry.comparison import mcnemar_exact, paired_gain
from models_registry.estimation.bins import arrived, ends, found, largest_weights
from models_registry.estimation.difference import aipw, sums_of
from models_registry.estimation.eprocess import feed, watch_harm
from models_registry.estimation.intervals import normal_quantile, wilson
from models_registry.estimation.totals import process_mean

BUDGET, N_LOOKS = 0.05, 200
ALARM = np.log(20.0)
DESIGNS = (("uniform", 1.0), ("active", 0.5))
FALLS = (1, 2, 3)  # p0 is the true error, half and a third of it


@dataclass(frozen=True)
class Part:
    protocol: str
    design: int
    n_streams: int


def parts(*, n_streams: int, quick: bool) -> list[Part]:
    half = n_streams // 2
    return [Part("alarm", 0, half), Part("alarm", 1, half), Part("feedback", 0, half), Part("pair", 0, n_streams)]


def run(part: Part) -> dict[tuple[str, str], Floats]:
    if part.protocol == "alarm":
        return {("alarm", DESIGNS[part.design][0]): _alarms(part)}
    return {(part.protocol, ""): _feedback(part) if part.protocol == "feedback" else _pairs(part)}


def _alarms(part: Part) -> Floats:
    """Per stream: for each p0 whether the evidence ever reached 20 and after how many labels; then what Wald said."""
    tau, rows = DESIGNS[part.design][1], []
    rng, first = np.random.default_rng([50, part.design]), validation_mean(P01)
    for number in range(part.n_streams):
        stream = make_stream(rng, P01)
        pi = chances(stream.u, budget=BUDGET, tau=tau, first=first)
        drawn = rng.random(len(pi)) < pi
        at, phi = np.flatnonzero(drawn), (stream.is_error / pi)[drawn]
        row: list[float] = []
        for fall in FALLS:
            paths = log_evidence(at, phi, p0=P01.error / fall, floor=tau * BUDGET)
            if number == 0:
                _same_as_fed(at, phi, paths, p0=P01.error / fall, floor=tau * BUDGET)
            rang = np.flatnonzero(paths >= ALARM)
            row += [float(len(rang) > 0), float(rang[0] + 1) if len(rang) else np.nan]
        rows.append([*row, *_wald(at, phi, len(pi))])
    return np.array(rows)


def log_evidence(at: np.ndarray, phi: Floats, *, p0: float, floor: float) -> Floats:
    """The logarithm of the mean capital after each drawn inspection, (n,): `eprocess.feed` of all of them at once."""
    bets = np.array(watch_harm(p0=p0, floor_pi=floor).bets)[:, None]
    zeros = np.diff(at, prepend=-1) - 1
    logs = np.cumsum(zeros * np.log1p(-bets * p0) + np.log1p(bets * (phi - p0)), axis=1)
    top = logs.max(axis=0)
    evidence: Floats = top + np.log(np.exp(logs - top).mean(axis=0))
    return evidence


def _same_as_fed(at: np.ndarray, phi: Floats, paths: Floats, *, p0: float, floor: float) -> None:
    process = watch_harm(p0=p0, floor_pi=floor)
    for zeros, worth in zip(np.diff(at, prepend=-1) - 1, phi, strict=True):
        process = feed(process, n_zeros_before=int(zeros), phi=float(worth), floor_pi=floor)
    assert abs(process.log_evidence - paths[-1]) < 1e-8


def _wald(at: np.ndarray, phi: Floats, n: int) -> list[float]:
    """Whether a lower 95 % bound ever lies above the true error when looked at every 100, and at the end alone."""
    looks = np.linspace(n / N_LOOKS, n, N_LOOKS)
    until = np.searchsorted(at, looks)
    total, squares = (np.concatenate([[0.0], np.cumsum(values)])[until] for values in (phi, phi**2))
    mean = total / looks
    spread = np.sqrt(np.maximum(squares / looks - mean**2, 0) / looks)
    above = mean - normal_quantile(0.90) * spread > P01.error
    return [float(above.any()), float(above[-1])]


def _feedback(part: Part) -> Floats:
    """Per stream: truth, labels, AIPW with lam = 1, Wilson's ends with n_eff, and the ends of MOVER with mid-p."""
    rng, first, tau = np.random.default_rng(60), validation_mean(P10), 0.5
    rows = []
    for start in range(0, part.n_streams, 100):
        streams = [make_stream(rng, P10) for _ in range(min(100, part.n_streams - start))]
        pi, drawn = within_budget(np.stack([stream.u for stream in streams]), rng, first=first, tau=tau)
        for stream, own, picked in zip(streams, pi, drawn, strict=True):
            rows.append(_lean_and_count(stream, own, picked, floor=tau * BUDGET))
    return np.array(rows)


def within_budget(u: Floats, rng: np.random.Generator, *, first: float, tau: float) -> tuple[Floats, np.ndarray]:
    """pi and draws, (streams, n), by Zrnic and Candes' sequential rule: what was spent bounds what may be."""
    keep, n_streams, n = 0.5 ** (1 / HALF_LIFE), *u.shape
    total, weight, spent = np.full(n_streams, PRIOR * first), float(PRIOR), np.zeros(n_streams)
    pi, drawn = np.empty_like(u), np.empty(u.shape, dtype=bool)
    dice = rng.random(u.shape)
    for i in range(n):
        raw = np.clip(BUDGET * u[:, i] * weight / total, 0, np.maximum(0.0, (i + 1) * BUDGET - spent))
        pi[:, i] = (1 - tau) * np.minimum(raw, 1) + tau * BUDGET
        drawn[:, i] = dice[:, i] < pi[:, i]
        spent += drawn[:, i]
        total, weight = keep * total + u[:, i], keep * weight + 1
    return pi, drawn


def _lean_and_count(stream: Stream, pi: Floats, drawn: np.ndarray, *, floor: float) -> list[float]:
    cells = Frame(stream, pi, floor=floor).cells(drawn)
    wrong = (cells.n > 0) & (cells.true != cells.predicted)
    leaning = aipw(sums_of(cells, wrong), lam=1.0)
    assert leaning is not None
    size = leaning.value * (1 - leaning.value) / leaning.variance
    limits, n = wilson(count=leaning.value * size, n=size), len(pi)
    low, high = ends(found(cells, row=np.where(wrong, 0, -1)), largest=largest_weights(cells), most=arrived(cells))
    truth = float(stream.is_error.mean())
    return [truth, float(drawn.sum()), leaning.value, limits.low, limits.high, float(low[0]) / n, float(high[0]) / n]


def _pairs(part: Part) -> Floats:
    """Per stream of two equally good models: the weighted gain, the unweighted one, and what each test says."""
    rng, first, rows = np.random.default_rng(70), validation_mean(P10), []
    for _ in range(part.n_streams):
        is_defect = rng.random(20_000) < P10.prevalence
        shared, own, other = rng.standard_normal((3, len(is_defect)))
        scores = [P10.scores((shared + noise) / 2**0.5 + P10.d * is_defect) for noise in (own, other)]
        champion, challenger = ((score >= 0.5) != is_defect for score in scores)
        g = np.minimum(scores[0], 1 - scores[0])
        pi = chances(np.sqrt(g * (1 - g)), budget=BUDGET, tau=0.5, first=first)
        drawn = rng.random(len(pi)) < pi
        fixed, broken = (champion & ~challenger)[drawn], (challenger & ~champion)[drawn]
        gain = paired_gain(fixed, broken, pi[drawn], n_population=len(pi))
        truth = float(champion.mean() - challenger.mean())
        assert gain.gain is not None
        assert gain.ci_low is not None
        assert gain.ci_high is not None
        paired, apart = (_spread(values, pi[drawn], len(pi)) for values in (
            [fixed.astype(float) - broken], [champion[drawn].astype(float), challenger[drawn].astype(float)]
        ))  # fmt: skip
        rows.append([
            truth, gain.gain, float(not gain.ci_low <= 0 <= gain.ci_high), float(gain.ci_low <= truth <= gain.ci_high),
            float(fixed.mean() - broken.mean()),
            float(mcnemar_exact(n_fixed=int(fixed.sum()), n_broken=int(broken.sum())) < 0.05), paired, apart,
        ])  # fmt: skip
    return np.array(rows)


def _spread(values: list[Floats], pi: Floats, n: int) -> float:
    """Standard error of the difference, of one series of differences or of two independent series."""
    means = [process_mean(one, pi, n_population=n) for one in values]
    return float(np.sqrt(sum(mean.variance for mean in means if mean is not None)))
