"""Flags of image quality as slices: they may come before a part's truth or after it."""

from django.db import migrations, models

FLAGS = """
CREATE FUNCTION labeling_flags(part bigint) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT unnest(quality.flags)
    FROM (SELECT id FROM labeling_item WHERE inspection_id = part OFFSET 0) item
    CROSS JOIN LATERAL (SELECT flags FROM labeling_itemquality WHERE item_id = item.id OFFSET 0) quality
$$
"""

# As in 0014, with the slices by flag. ``those``: add up the slices of these flags and nothing else.
DROP_TRUTHS = "DROP FUNCTION labeling_tally_truths(integer[], bigint[], text[], bigint[], bigint[])"
ADD_TRUTHS = """
CREATE FUNCTION labeling_tally_truths(
    signs integer[], predictions bigint[], outcomes text[], labels bigint[], without bigint[],
    those text[] DEFAULT NULL
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO labeling_tally (
        model_version_id, day, dimension, key, source_id, design_id, is_certainty, edge, floor_pi, predicted_id,
        outcome, true_label_id, n_arrived, n_drawn, w_drawn, g, n, pi, w, w2, wg, w2g, wg2, w2g2
    )
    SELECT m.model_version_id, m.day, slice.dimension, slice.key, m.source_id, m.design_id, m.is_certainty, m.edge,
        m.floor_pi, m.predicted_id, t.outcome, t.label, 0, 0, 0, 0, sum(t.sign), sum(t.sign * m.pi),
        sum(t.sign / m.pi), sum(t.sign / m.pi ^ 2), sum(t.sign * m.g / m.pi), sum(t.sign * m.g / m.pi ^ 2),
        sum(t.sign * m.g ^ 2 / m.pi), sum(t.sign * (m.g / m.pi) ^ 2)
    FROM unnest(signs, predictions, outcomes, labels) AS t(sign, prediction, outcome, label)
    CROSS JOIN LATERAL (SELECT * FROM labeling_measured(ARRAY[t.prediction], without) OFFSET 0) m
    LEFT JOIN LATERAL (
        SELECT blind FROM (
            SELECT blind, round, registered_model_id AS model FROM labeling_review
            WHERE inspection_id = m.inspection_id OFFSET 0
        ) rounds
        WHERE model = m.registered_model_id ORDER BY round LIMIT 1
    ) review ON true
    CROSS JOIN LATERAL (
        SELECT dimension, key FROM (
            VALUES ('', ''), ('shift', m.shift), ('lot', m.lot), ('recipe', m.recipe), ('attempt', m.attempt::text),
                ('shown', CASE WHEN review.blind THEN 'blind' WHEN NOT review.blind THEN 'shown' END),
                ('confidence', least(floor(m.confidence * 10), 9)::text)
        ) AS known(dimension, key)
        WHERE those IS NULL
        UNION ALL
        SELECT 'flag', unnest(coalesce(those, ARRAY(SELECT labeling_flags(m.inspection_id))))
    ) AS slice(dimension, key)
    WHERE m.is_drawn AND (slice.dimension = '' OR slice.key <> '')
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
$$
"""

# The flags of a part are those of all its views, so what one view brings or loses may be there by another.
PLANS = (
    "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off "
    "SET plan_cache_mode = force_generic_plan"
)
ON_QUALITY = """
CREATE FUNCTION labeling_tally_on_quality_{name}() RETURNS trigger LANGUAGE plpgsql {plans} AS $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT changed.id,
            ARRAY(
                SELECT unnest(q.flags)
                FROM (SELECT id FROM labeling_item WHERE inspection_id = changed.id OFFSET 0) item
                CROSS JOIN LATERAL (SELECT id, flags FROM labeling_itemquality WHERE item_id = item.id OFFSET 0) q
                WHERE NOT EXISTS (SELECT 1 FROM fresh WHERE fresh.id = q.id)
                {before}
            ) AS old
        FROM (
            SELECT DISTINCT item.inspection_id AS id
            FROM {fresh} CROSS JOIN LATERAL (SELECT inspection_id FROM labeling_item WHERE id = f.item_id OFFSET 0) item
        ) changed
        ORDER BY changed.id
    LOOP
        PERFORM 1 FROM labeling_inspection WHERE id = part.id FOR NO KEY UPDATE;
        PERFORM labeling_tally_truths(
            array_agg(delta.sign), array_agg(p.id), array_agg(truth.outcome::text), array_agg(truth.label_id), '{{}}',
            delta.flags
        )
        FROM labeling_groundtruth truth
        JOIN labeling_inspection i ON i.id = truth.inspection_id AND i.withdrawn_at IS NULL
        JOIN labeling_prediction p ON p.inspection_id = i.id
        JOIN models_registry_modelversion v
            ON v.id = p.model_version_id AND v.registered_model_id = truth.registered_model_id
        CROSS JOIN (
            VALUES (1, ARRAY(SELECT labeling_flags(part.id) EXCEPT SELECT unnest(part.old))),
                (-1, ARRAY(SELECT unnest(part.old) EXCEPT SELECT labeling_flags(part.id)))
        ) AS delta(sign, flags)
        WHERE truth.inspection_id = part.id AND cardinality(delta.flags) > 0
        GROUP BY delta.flags;
    END LOOP;
    RETURN NULL;
END
$$
"""
CHANGED = """(
                SELECT f.item_id FROM gone o JOIN fresh f USING (id) WHERE o.flags IS DISTINCT FROM f.flags
            ) f"""
WAS = """UNION ALL
                SELECT unnest(o.flags)
                FROM gone o
                CROSS JOIN LATERAL (SELECT inspection_id FROM labeling_item WHERE id = o.item_id OFFSET 0) item
                WHERE item.inspection_id = changed.id"""
ON_NEW = ON_QUALITY.format(name="insert", plans=PLANS, before="", fresh="fresh f")
ON_CHANGED = ON_QUALITY.format(name="update", plans=PLANS, before=WAS, fresh=CHANGED)
TRIGGERS = (
    """CREATE TRIGGER tally_new_quality AFTER INSERT ON labeling_itemquality REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION labeling_tally_on_quality_insert()""",
    """CREATE TRIGGER tally_changed_quality AFTER UPDATE ON labeling_itemquality
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION labeling_tally_on_quality_update()""",
)


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0016_audits_of_files"),
        ("models_registry", "0006_monitors"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="tally",
            name="tally_dimension_known",
        ),
        migrations.AlterField(
            model_name="tally",
            name="dimension",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "Everything"),
                    ("shift", "Shift"),
                    ("lot", "Lot"),
                    ("recipe", "Recipe"),
                    ("attempt", "Attempt"),
                    ("shown", "Judged before or after the prediction was shown"),
                    ("confidence", "Confidence"),
                    ("flag", "Image quality"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="tally",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("dimension__in", ["", "shift", "lot", "recipe", "attempt", "shown", "confidence", "flag"])
                ),
                name="tally_dimension_known",
            ),
        ),
        migrations.RunSQL(
            [(text, None) for text in (FLAGS, DROP_TRUTHS, ADD_TRUTHS, ON_NEW, ON_CHANGED, *TRIGGERS)],
            migrations.RunSQL.noop,
        ),
    ]
