"""Truth against prediction, and which defects escape: shares with their intervals, by the labels' names."""

from __future__ import annotations

from labeling.accuracy.material import Material
from labeling.charts import Matrix, MatrixLabel, ParetoChart, Share, confusion_matrix, pareto_chart
from models_registry.estimation.counts import Measured
from models_registry.models import EscapeLimit


def matrix(material: Material) -> Matrix | None:
    """None where nothing is settled."""
    labels, found = matrix_labels(material), material.confusion
    shares = {
        (true.slug, said.slug): share(found.by_true[j][k], n=found.counts[j][k])
        for j, true in enumerate(labels)
        for k, said in enumerate(labels)
    }
    drawn = confusion_matrix(shares, labels, over=_over_their_limit(material, labels))
    return drawn if drawn.n else None


def _over_their_limit(material: Material, labels: list[MatrixLabel]) -> set[str]:
    """Defects of which surely more pass as good, in all parts, than is allowed."""
    model, of_all = material.asked.registered_model, material.confusion.of_all
    limits = dict(EscapeLimit.objects.filter(registered_model=model).values_list("label", "max_rate"))
    good = [k for k, label in enumerate(labels) if not label.is_defect]
    surely = {label.slug: sum(of_all[j][k].low or 0.0 for k in good) for j, label in enumerate(labels)}
    return {label.slug for label in labels if label.is_defect and surely[label.slug] > limits.get(label.slug, 1.0)}


def escapes(material: Material) -> list[tuple[MatrixLabel, Share]]:
    """Each defect's share of all that was passed as good; those that were never found to be are left out."""
    pairs = zip(matrix_labels(material), material.confusion.escaped, strict=True)
    return [(label, share(one, n=one.n_found)) for label, one in pairs if label.is_defect and one.n_found]


def pareto(material: Material) -> ParetoChart | None:
    return pareto_chart(escapes(material))


def matrix_labels(material: Material) -> list[MatrixLabel]:
    return [MatrixLabel(label.slug, label.display_name, label.is_defect) for label in material.labels]


def share(measured: Measured, *, n: int) -> Share:
    return Share(measured.value, measured.low, measured.high, n, measured.bound_only)
