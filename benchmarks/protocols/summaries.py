"""What the protocols come to, beside the numbers of the specification, and what is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.protocols import accuracy
from benchmarks.protocols.published import ACCURACY, ESCAPE, Design
from benchmarks.streams import Floats, default_tau

Rows = dict[Any, Floats]


class Acceptance:
    """Figures and targets, gathered from one protocol after another."""

    def __init__(self, n_streams: int) -> None:
        self.n_streams = n_streams
        self.figures: dict[str, float] = {}
        self.targets: dict[str, float] = {}

    def add(self, name: str, figure: float, target: float | None = None) -> None:
        self.figures[name] = round(float(figure), 4)
        if target is not None:
            self.targets[name] = target


def covered(low: Floats, high: Floats, truth: Floats) -> float:
    return float(((low <= truth) & (truth <= high)).mean())


def show_accuracy(rows: Rows, acceptance: Acceptance) -> None:
    """One line a cell and design, in points of error rate; * marks the tau that the default rule chooses."""
    print("\naccuracy (STATISTICS §7.4), in brackets the specification's numbers")
    heads = (
        ("cell", 24), ("n", 6), ("bias", 8), ("rmse HT", 15), ("AIPW", 15), ("HT right", 15), ("mid-p", 14),
        ("gamma", 7), ("AW", 14), ("Wald", 6), ("ours", 7), ("width ratio", 13), ("labels", 7),
        ("naive bias", 11), ("covers", 7),
    )  # fmt: skip
    print("".join(f"{head:<{size}}" if head == "cell" else f"{head:>{size}}" for head, size in heads))
    cells = []
    for key in sorted({key[:3] for key in rows}):
        cells += [_accuracy_line(rows, key, tau) for tau in accuracy.TAUS]
    best = {name: [cell[name] for cell in cells if name in cell] for name in ("ours", "mid", "gamma", "default")}
    acceptance.add("min_coverage", min(best["ours"]), 0.935)
    acceptance.add("min_coverage_at_default_tau", min(best["default"]), 0.935)
    acceptance.add("min_mid_p", min(best["mid"]), 0.925)
    acceptance.add("min_mover_gamma", min(best["gamma"]), 0.935)
    acceptance.add("bias_in_se_at_most", max(cell["bias_in_se"] for cell in cells), 3.0)
    acceptance.add("rmse_off_table_at_most", max(cell["rmse_off"] for cell in cells), 0.05)
    acceptance.add("naive_coverage_at_most", max(cell.get("naive", 0.0) for cell in cells), 0.65)
    acceptance.add("min_ratio_of_ht_right", min(cell.get("right_ratio", 99.0) for cell in cells), 6.0)
    acceptance.add("min_aw_p10_tau_half", min((cell["aw"] for cell in cells if "aw" in cell), default=1.0), 0.925)
    saved = [cell["labels"] for cell in cells if "labels" in cell]
    acceptance.add("median_labels_of_uniform", float(np.median(saved)))


def _accuracy_line(rows: Rows, key: tuple[int, int, float], tau: float) -> dict[str, float]:
    of = dict(zip(accuracy.COLUMNS, rows[*key, tau].T, strict=True))
    plain = dict(zip(accuracy.COLUMNS, rows[*key, 1.0].T, strict=True))
    published = ACCURACY[key]
    design = {0.8: published.thick, 0.5: published.thin}.get(tau)
    truth, n = of["truth"], len(of["truth"])
    off = {name: of[name] - truth for name in ("ht", "aipw", "ht_of_right", "ours", "naive")}
    rmse = {name: 100 * float((values**2).mean() ** 0.5) for name, values in off.items()}
    hits = {
        name: covered(of[f"{name}_low"], of[f"{name}_high"], truth)
        for name in ("mid", "gamma", "aw", "wald", "ours", "naive")
    }
    width = {name: 100 * float((of[f"{name}_high"] - of[f"{name}_low"]).mean()) for name in ("mid", "aw", "ours")}
    uniform = 100 * float((plain["naive_high"] - plain["naive_low"]).mean())
    scenario, model, budget = key
    name = f"{accuracy.SCENARIOS[scenario].name} {accuracy.MODELS[model][0]} {budget:.0%}"
    is_default = tau == default_tau(float(of["n"].mean()), float(truth.mean()))
    cell = {
        "ours": hits["ours"], "mid": hits["mid"], "gamma": hits["gamma"],
        "bias_in_se": abs(float(off["ht"].mean())) / (rmse["ht"] / 100 / n**0.5), "rmse_off": 0.0,
    }  # fmt: skip
    if design is None:
        ratio, rms = width["ours"] / uniform, rmse["naive"]
        print(
            f"{name + ' uniform':<24}{of['n'].mean():>6.0f} {100 * off['ours'].mean():>+7.3f} "
            f"Wilson: rmse {_beside(rms, published.uniform_rmse)}, covers "
            f"{_per_cent(hits['naive'], published.uniform_coverage)}, "
            f"width {_beside(uniform, published.uniform_width)}; ours: rmse {rmse['ours']:.3f}, "
            f"covers {hits['ours']:.1%}, width ratio {ratio:.2f}, labels {ratio**2:.0%}"
        )
        return cell | {"rmse_off": abs(rms / published.uniform_rmse - 1)}
    labels = (width["ours"] / uniform) ** 2
    print(
        f"{f'{name} {tau}' + ('*' if is_default else ''):<24}{of['n'].mean():>6.0f} {100 * off['ht'].mean():>+7.3f} "
        f"{_beside(rmse['ht'], design.ht)} {_beside(rmse['aipw'], design.aipw)} "
        f"{_beside(rmse['ht_of_right'], design.ht_of_right)} {_per_cent(hits['mid'], design.mid)} "
        f"{hits['gamma']:>6.1%} {_per_cent(hits['aw'], design.aw)} {hits['wald']:>5.0%} {hits['ours']:>6.1%} "
        f"{width['mid'] / uniform:>5.2f} ({design.mid_width:.2f}) {labels:>6.0%} "
        f"{100 * off['naive'].mean():>+6.2f} {hits['naive']:>6.1%}"
    )
    cell |= _accepted(key, tau, rmse, hits, design)
    return cell | ({"default": hits["ours"], "labels": labels} if is_default else {})


def _accepted(
    key: tuple[int, int, float], tau: float, rmse: dict[str, float], hits: dict[str, float], design: Design
) -> dict[str, float]:
    """What the specification sets limits to in this cell."""
    scenario, _, budget = key
    cell = {"rmse_off": max(abs(rmse["ht"] / design.ht - 1), abs(rmse["aipw"] / design.aipw - 1))}
    if scenario < 2:
        cell["right_ratio"] = rmse["ht_of_right"] / rmse["ht"]
    if scenario < 2 and tau == 0.5:
        cell["naive"] = hits["naive"]
    if scenario == 1 and tau == 0.5 and budget >= 0.05:
        cell["aw"] = hits["aw"]
    return cell


def show_escape(rows: Rows, acceptance: Acceptance) -> None:
    print("\nescape (STATISTICS §7.2), in brackets the specification's numbers")
    print(f"{'cell':<28}{'found':>6} {'bias':>7} {'rmse':>14} {'mid-p':>13} {'gamma':>6} {'width':>12} {'delta':>13}")
    shares, gammas, ratios = [], [], []
    for (model, budget), published in ESCAPE.items():
        rmse = {}
        for design, beside in zip(("uniform", "active"), published, strict=True):
            if (model, budget, design) not in rows:
                continue
            truth, n_found, value, low, high, gamma_low, gamma_high, delta_low, delta_high = rows[
                model, budget, design
            ].T
            rmse[design] = float(((value - truth) ** 2).mean() ** 0.5)
            hits = covered(low, high, truth)
            gamma, delta = covered(gamma_low, gamma_high, truth), covered(delta_low, delta_high, truth)
            print(f"{f'{model} {budget:.0%} {design}':<28}{n_found.mean():>6.1f} {(value - truth).mean():>+7.4f} "
                  f"{_beside(rmse[design], beside[0])} {_per_cent(hits, beside[1])} {gamma:>6.1%} "
                  f"{(high - low).mean():>5.3f} ({beside[2]:.3f}) {_per_cent(delta, beside[3])}")  # fmt: skip
            shares.append(hits)
            gammas.append(gamma)
            if (budget, design) == (0.01, "uniform"):
                acceptance.add(f"delta_fails_{model.split()[0]}_at_most", delta, 0.92)
        if len(rmse) == 2:
            ratios.append(rmse["active"] / rmse["uniform"])
    acceptance.add("min_escape_coverage", min(shares), 0.925)
    acceptance.add("min_escape_mover_gamma", min(gammas), 0.935)
    acceptance.add("escape_rmse_of_uniform_at_most", max(ratios), 0.75)


def show_monitors(rows: Rows, acceptance: Acceptance) -> None:
    print("\nalarm, feedback, pair (STATISTICS §7.3), in brackets the specification's numbers")
    false = []
    for design, beside in (("uniform", (1.7, 16.5, 38.9, 8.9, 3.3)), ("active", (1.6, 72.5, 97.5, 18.3, 4.4))):
        own = rows["alarm", design]
        rang = own[:, [0, 2, 4]].mean(axis=0)
        labels = [np.median(own[own[:, at] == 1, at + 1]) for at in (2, 4)]
        print(
            f"alarm {design:<8} false {_per_cent(rang[0], beside[0])}, at twice {_per_cent(rang[1], beside[1])} after "
            f"{labels[0]:.0f} labels, at three times {_per_cent(rang[2], beside[2])} after {labels[1]:.0f}; "
            f"Wald looked at every 100 {_per_cent(own[:, 6].mean(), beside[3])}, once "
            f"{_per_cent(own[:, 7].mean(), beside[4])}"
        )
        false.append(float(rang[0]))
    acceptance.add("false_alarm_rate", max(false), 0.05)
    acceptance.add("power_at_twice", float(rows["alarm", "active"][:, 2].mean()), 0.65)
    acceptance.add("wald_looked_at_often", float(rows["alarm", "active"][:, 6].mean()), 0.12)
    truth, n, value, low, high, mid_low, mid_high = rows["feedback", ""].T
    hits, mid = covered(low, high, truth), covered(mid_low, mid_high, truth)
    print(f"feedback: AIPW and Wilson {_per_cent(hits, 94.2)}, MOVER mid-p {_per_cent(mid, 96.1)}, "
          f"bias {(value - truth).mean():+.5f}, labels {n.mean():.0f} +- {n.std():.0f} (976 +- 18)")  # fmt: skip
    acceptance.add("feedback_coverage", hits, 0.925)
    own = rows["pair", ""].T
    print(
        f"pair: weighted {own[1].mean():+.4f}, rejects {_per_cent(own[2].mean(), 4.6)}, covers "
        f"{_per_cent(own[3].mean(), 96.0)}; unweighted {own[4].mean():+.4f}, McNemar rejects "
        f"{_per_cent(own[5].mean(), 32.6)}; SE paired {own[6].mean():.5f} (.00464), apart {own[7].mean():.5f} (.00571)"
    )
    acceptance.add("weighted_rejects_at_most", own[2].mean(), 0.065)
    acceptance.add("unweighted_rejects", own[5].mean(), 0.25)


def show_tables(designs: Sequence[Sequence[Any]], acceptance: Acceptance) -> None:
    print("\nwhole test sets of real models, 1,000 draws each")
    print(f"{'table':<40}{'budget':>7}{'error':>8}{'estimate':>10}{'naive':>8}{'covered':>9}{'mean off, SE':>14}")
    for name, budget, truth, value, plain, hits, off in designs:
        print(f"{name:<40}{budget:>7.0%}{truth:>8.4f}{value:>10.4f}{plain:>8.4f}{hits:>9.1%}{off:>+14.2f}")
    acceptance.add("min_real_coverage", min(design[5] for design in designs), 0.93)
    acceptance.add("real_coverage_at_most", max(design[5] for design in designs), 0.995)
    acceptance.add("real_bias_in_se_at_most", max(abs(design[6]) for design in designs))


def _beside(figure: float, published: float) -> str:
    return f"{figure:>6.3f} ({published:.3f})"


def _per_cent(share: float, published: float) -> str:
    return f"{share:>6.1%} ({published:.1f})"
