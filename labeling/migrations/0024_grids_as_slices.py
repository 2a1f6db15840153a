"""What was judged in a grid is a slice of its own: the key `grid` of the dimension `shown`."""

from importlib import import_module

from django.db import migrations

tallies = import_module("labeling.migrations.0014_tallies_by_triggers")
flags = import_module("labeling.migrations.0017_flags_as_slices")


def changed(text: str, *changes: tuple[str, str]) -> str:
    """As it was, but for the changes. A passage that is not there would go unnoticed."""
    for before, after in changes:
        if before not in text:
            raise ValueError(f"“{before}” is not in the function.")
        text = text.replace(before, after)
    return text


# ``grids``: whether all that each truth rests on was said in a grid.
DROP_TRUTHS = "DROP FUNCTION labeling_tally_truths(integer[], bigint[], text[], bigint[], bigint[], text[])"
ADD_TRUTHS = changed(
    flags.ADD_TRUTHS,
    ("labels bigint[], without bigint[],", "labels bigint[], grids boolean[], without bigint[],"),
    (
        "FROM unnest(signs, predictions, outcomes, labels) AS t(sign, prediction, outcome, label)",
        "FROM unnest(signs, predictions, outcomes, labels, grids) AS t(sign, prediction, outcome, label, by_grid)",
    ),
    ("CASE WHEN review.blind", "CASE WHEN t.by_grid THEN 'grid' WHEN review.blind"),
)
REPLACE = ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
ADD = changed(
    tallies.ADD, REPLACE,
    ("array_agg(t.label_id), without", "array_agg(t.label_id), array_agg(t.by_grid), without"),
    ("SELECT outcome, label_id, registered_model_id", "SELECT outcome, label_id, by_grid, registered_model_id"),
)  # fmt: skip
WHERE_IT_CHANGED = (
    "FROM gone o JOIN fresh n USING (id) "
    "WHERE (o.outcome, o.label_id, o.by_grid) IS DISTINCT FROM (n.outcome, n.label_id, n.by_grid)"
)
ON_TRUTH = changed(
    tallies.ON_TRUTH, REPLACE, ("array_agg(t.label_id), '{{}}'", "array_agg(t.label_id), array_agg(t.by_grid), '{{}}'")
)
CHANGED = {
    "insert": "SELECT 1 AS sign, inspection_id, registered_model_id, outcome, label_id, by_grid FROM fresh",
    "delete": "SELECT -1 AS sign, inspection_id, registered_model_id, outcome, label_id, by_grid FROM gone",
    "update": f"""
        SELECT -1 AS sign, o.inspection_id, o.registered_model_id, o.outcome, o.label_id, o.by_grid {WHERE_IT_CHANGED}
        UNION ALL
        SELECT 1, n.inspection_id, n.registered_model_id, n.outcome, n.label_id, n.by_grid {WHERE_IT_CHANGED}
    """,
}
ON_QUALITY = [
    changed(
        text, REPLACE, ("array_agg(truth.label_id), '{}'", "array_agg(truth.label_id), array_agg(truth.by_grid), '{}'")
    )
    for text in (flags.ON_NEW, flags.ON_CHANGED)
]
FUNCTIONS = (
    DROP_TRUTHS, ADD_TRUTHS, ADD,
    *(ON_TRUTH.format(name=name, plans=tallies.PLANS, changed=rows) for name, rows in CHANGED.items()), *ON_QUALITY,
)  # fmt: skip
AS_BEFORE = (
    "DROP FUNCTION labeling_tally_truths(integer[], bigint[], text[], bigint[], boolean[], bigint[], text[])",
    flags.ADD_TRUTHS,
    *(
        changed(text, REPLACE)
        for text in (
            tallies.ADD,
            *(
                tallies.ON_TRUTH.format(name=name, plans=tallies.PLANS, changed=rows)
                for name, rows in tallies.CHANGED.items()
            ),
            flags.ON_NEW,
            flags.ON_CHANGED,
        )
    ),
)


class Migration(migrations.Migration):
    dependencies = [("labeling", "0023_reveals_challenges_and_surfaces")]

    operations = [
        migrations.RunSQL([(text, None) for text in FUNCTIONS], [(text, None) for text in AS_BEFORE]),
    ]
