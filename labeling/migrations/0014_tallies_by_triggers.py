"""The database adds up what reports read, in the transaction of the fact (`labeling.models.Tally` says why)."""

from django.db import migrations

# The planner is left no choice: each table is looked up by its key for each row. `OFFSET 0` keeps it from turning a
# look-up into a join, and one condition inside leaves it one index. A plan is kept from the time when tables were small,
# and one that reads all of a model for each part that comes would stop a line.

# One row for each prediction of a measured part that was drawn for: everything that says in which cells it counts.
# Several independent designs give one probability, 1 - prod(1 - pi). ``without``: draws to be left out.
MEASURED = """
CREATE FUNCTION labeling_measured(predictions bigint[], without bigint[]) RETURNS TABLE (
    prediction_id bigint, inspection_id bigint, registered_model_id bigint, model_version_id bigint, day date,
    source_id bigint, design_id bigint, is_certainty boolean, edge double precision, floor_pi double precision,
    predicted_id bigint, is_drawn boolean, pi double precision, g double precision, is_withdrawn boolean, shift text,
    lot text, recipe text, attempt integer, confidence double precision
) LANGUAGE sql STABLE AS $$
    SELECT p.id, i.id, v.registered_model_id, p.model_version_id, i.day, item.source_id, s.design_id, s.is_certainty,
        CASE WHEN s.is_certainty THEN 1 ELSE (
            SELECT max(edge) FROM (VALUES (1.0::float8), (1.5), (3.0), (6.0), (12.0), (24.0)) AS edges(edge)
            WHERE edge = 1 OR edge <= s.pi / s.floor_pi * (1 + 1e-9)
        ) END,
        s.floor_pi, p.label_id, s.is_drawn, s.pi, coalesce(1 - p.confidence, 0.5), i.withdrawn_at IS NOT NULL,
        i.shift, i.lot, i.recipe, i.attempt, p.confidence
    FROM unnest(predictions) AS one(id)
    CROSS JOIN LATERAL (SELECT * FROM labeling_prediction WHERE id = one.id OFFSET 0) p
    CROSS JOIN LATERAL (
        SELECT registered_model_id FROM models_registry_modelversion WHERE id = p.model_version_id OFFSET 0
    ) v
    CROSS JOIN LATERAL (
        SELECT * FROM labeling_inspection
        WHERE id = p.inspection_id AND purpose IN ('production', 'demo') OFFSET 0
    ) i
    CROSS JOIN LATERAL (
        SELECT min(d.design_id) AS design_id, bool_or(d.stratum = 'certainty') AS is_certainty,
            max(d.floor_pi) AS floor_pi, bool_or(d.drawn) AS is_drawn,
            CASE WHEN count(*) = 1 OR max(d.pi) = 1 THEN max(d.pi)
                ELSE 1 - exp(sum(ln(greatest(1 - d.pi, 1e-300)))) END AS pi
        FROM (SELECT * FROM labeling_selection WHERE inspection_id = i.id OFFSET 0) d
        WHERE d.registered_model_id = v.registered_model_id AND d.id <> ALL (without)
        HAVING count(*) > 0
    ) s
    LEFT JOIN LATERAL (
        SELECT source_id FROM (SELECT id, source_id FROM labeling_item WHERE inspection_id = i.id OFFSET 0) views
        ORDER BY id LIMIT 1
    ) item ON true
$$
"""

# Truths of predictions, one by one; ``signs`` says whether each counts from now on (1) or not any more (-1). Slices hold
# truths alone.
ADD_TRUTHS = """
CREATE FUNCTION labeling_tally_truths(
    signs integer[], predictions bigint[], outcomes text[], labels bigint[], without bigint[]
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
        VALUES ('', ''), ('shift', m.shift), ('lot', m.lot), ('recipe', m.recipe), ('attempt', m.attempt::text),
            ('shown', CASE WHEN review.blind THEN 'blind' WHEN NOT review.blind THEN 'shown' END),
            ('confidence', least(floor(m.confidence * 10), 9)::text)
    ) AS slice(dimension, key)
    WHERE m.is_drawn AND (slice.dimension = '' OR slice.key <> '')
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
$$
"""

# Everything about some predictions: that they arrived, and what is known of their truth already. ``is_news``: they are
# what the monitors are fed with next, in the order of arrival.
ADD = """
CREATE FUNCTION labeling_tally_add(sign integer, predictions bigint[], without bigint[], is_news boolean) RETURNS void
LANGUAGE sql AS $$
    WITH measured AS MATERIALIZED (
        SELECT * FROM labeling_measured(predictions, without) WHERE sign < 0 OR NOT is_withdrawn
    ), queued AS (
        INSERT INTO labeling_arrival (model_version_id, n, draws)
        SELECT model_version_id, count(*),
            jsonb_agg(jsonb_build_array(place, prediction_id, pi, floor_pi) ORDER BY place) FILTER (WHERE is_drawn)
        FROM (
            SELECT m.*, row_number() OVER (PARTITION BY m.model_version_id ORDER BY m.prediction_id) AS place
            FROM measured m
            WHERE is_news
        ) arrived
        GROUP BY model_version_id
    ), arrived AS (
        INSERT INTO labeling_tally (
            model_version_id, day, dimension, key, source_id, design_id, is_certainty, edge, floor_pi, predicted_id,
            outcome, true_label_id, n_arrived, n_drawn, w_drawn, g, n, pi, w, w2, wg, w2g, wg2, w2g2
        )
        SELECT m.model_version_id, m.day, '', '', m.source_id, m.design_id, m.is_certainty, m.edge, m.floor_pi,
            m.predicted_id, 'arrived', NULL, sign * count(*), sign * count(*) FILTER (WHERE m.is_drawn),
            sign * coalesce(sum(1 / m.pi) FILTER (WHERE m.is_drawn), 0), sign * sum(m.g), 0, 0, 0, 0, 0, 0, 0, 0
        FROM measured m
        GROUP BY 1, 2, 5, 6, 7, 8, 9, 10
    )
    SELECT labeling_tally_truths(
        array_agg(sign), array_agg(m.prediction_id), array_agg(t.outcome::text), array_agg(t.label_id), without
    )
    FROM measured m
    CROSS JOIN LATERAL (
        SELECT outcome, label_id, registered_model_id AS model FROM labeling_groundtruth
        WHERE inspection_id = m.inspection_id OFFSET 0
    ) t
    WHERE m.is_drawn AND t.model = m.registered_model_id
    HAVING count(*) > 0
$$
"""

# Facts about one part that meet in the same moment wait for each other here, else neither would see the other. Parts
# that this transaction brought are nobody else's yet.
PLANS = (
    "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off "
    "SET plan_cache_mode = force_generic_plan"
)
ON_DRAW = f"""
CREATE FUNCTION labeling_tally_on_draw() RETURNS trigger LANGUAGE plpgsql {PLANS} AS $$
DECLARE
    predictions bigint[];
    known bigint[];
    others bigint[];
BEGIN
    SELECT array_agg(i.id) INTO others
    FROM fresh f
    CROSS JOIN LATERAL (SELECT id, xmin FROM labeling_inspection WHERE id = f.inspection_id OFFSET 0) i
    WHERE i.xmin <> pg_current_xact_id()::xid;
    PERFORM 1 FROM labeling_inspection i WHERE i.id = ANY (others) ORDER BY i.id FOR NO KEY UPDATE;
    SELECT array_agg(p.id), array_agg(p.id) FILTER (WHERE f.n < (
        SELECT count(*) FROM (
            SELECT registered_model_id AS model FROM labeling_selection WHERE inspection_id = f.inspection_id OFFSET 0
        ) s
        WHERE s.model = f.registered_model_id
    ))
    INTO predictions, known
    FROM (SELECT inspection_id, registered_model_id, count(*) AS n FROM fresh GROUP BY 1, 2) f
    CROSS JOIN LATERAL (
        SELECT id, model_version_id FROM labeling_prediction WHERE inspection_id = f.inspection_id OFFSET 0
    ) p
    CROSS JOIN LATERAL (
        SELECT registered_model_id AS model FROM models_registry_modelversion WHERE id = p.model_version_id OFFSET 0
    ) v
    WHERE v.model = f.registered_model_id;
    IF known IS NULL AND predictions IS NOT NULL THEN
        PERFORM labeling_tally_add(1, predictions, '{{}}', true);
    ELSIF known IS NOT NULL THEN  -- another design drew for them before: what they were counted as goes
        PERFORM labeling_tally_add(
            -1, ARRAY(SELECT prediction_id FROM labeling_measured(known, '{{}}') WHERE NOT is_withdrawn),
            ARRAY(SELECT id FROM fresh), false
        );
        PERFORM labeling_tally_add(1, known, '{{}}', false);
        PERFORM labeling_tally_add(1, ARRAY(SELECT unnest(predictions) EXCEPT SELECT unnest(known)), '{{}}', true);
    END IF;
    RETURN NULL;
END
$$
"""  # noqa: S608

ON_PREDICTION = f"""
CREATE FUNCTION labeling_tally_on_prediction() RETURNS trigger LANGUAGE plpgsql {PLANS} AS $$
DECLARE
    predictions bigint[] := ARRAY(
        SELECT p.id FROM fresh p
        CROSS JOIN LATERAL (
            SELECT registered_model_id AS id FROM models_registry_modelversion WHERE id = p.model_version_id OFFSET 0
        ) model
        CROSS JOIN LATERAL (
            SELECT registered_model_id AS id FROM labeling_selection WHERE inspection_id = p.inspection_id OFFSET 0
        ) drawn
        WHERE drawn.id = model.id
        GROUP BY p.id
    );
BEGIN
    IF predictions = '{{}}' THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM labeling_inspection i
        WHERE i.id IN (SELECT inspection_id FROM fresh) ORDER BY i.id FOR NO KEY UPDATE;
    PERFORM labeling_tally_add(1, predictions, '{{}}', true);
    RETURN NULL;
END
$$
"""  # noqa: S608

# Three triggers, since a transition table has to be there to be named. A truth that only moved into a dataset is none.
ON_TRUTH = """
CREATE FUNCTION labeling_tally_on_truth_{name}() RETURNS trigger LANGUAGE plpgsql {plans} AS $$
BEGIN
    PERFORM 1 FROM labeling_inspection i
        WHERE i.id IN (SELECT inspection_id FROM ({changed}) t) ORDER BY i.id FOR NO KEY UPDATE;
    PERFORM labeling_tally_truths(
        array_agg(t.sign), array_agg(p.id), array_agg(t.outcome::text), array_agg(t.label_id), '{{}}'
    )
    FROM ({changed}) t
    CROSS JOIN LATERAL (
        SELECT id FROM labeling_inspection WHERE id = t.inspection_id AND withdrawn_at IS NULL OFFSET 0
    ) i
    CROSS JOIN LATERAL (
        SELECT id, model_version_id FROM labeling_prediction WHERE inspection_id = i.id OFFSET 0
    ) p
    CROSS JOIN LATERAL (
        SELECT registered_model_id AS model FROM models_registry_modelversion WHERE id = p.model_version_id OFFSET 0
    ) v
    WHERE v.model = t.registered_model_id
    HAVING count(*) > 0;
    RETURN NULL;
END
$$
"""
OLD_AND_NEW = (
    "FROM gone o JOIN fresh n USING (id) WHERE (o.outcome, o.label_id) IS DISTINCT FROM (n.outcome, n.label_id)"
)
CHANGED = {
    "insert": "SELECT 1 AS sign, inspection_id, registered_model_id, outcome, label_id FROM fresh",
    "delete": "SELECT -1 AS sign, inspection_id, registered_model_id, outcome, label_id FROM gone",
    "update": f"""
        SELECT -1 AS sign, o.inspection_id, o.registered_model_id, o.outcome, o.label_id {OLD_AND_NEW}
        UNION ALL
        SELECT 1, n.inspection_id, n.registered_model_id, n.outcome, n.label_id {OLD_AND_NEW}
    """,
}

ON_WITHDRAWAL = f"""
CREATE FUNCTION labeling_tally_on_withdrawal() RETURNS trigger LANGUAGE plpgsql {PLANS} AS $$
BEGIN
    PERFORM labeling_tally_add(
        CASE WHEN NEW.withdrawn_at IS NULL THEN 1 ELSE -1 END,
        ARRAY(SELECT id FROM labeling_prediction WHERE inspection_id = NEW.id), '{{}}', false
    );
    RETURN NULL;
END
$$
"""  # noqa: S608

TRIGGERS = (
    """CREATE TRIGGER tally_draws AFTER INSERT ON labeling_selection REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION labeling_tally_on_draw()""",
    """CREATE TRIGGER tally_predictions AFTER INSERT ON labeling_prediction REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION labeling_tally_on_prediction()""",
    """CREATE TRIGGER tally_new_truths AFTER INSERT ON labeling_groundtruth REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION labeling_tally_on_truth_insert()""",
    """CREATE TRIGGER tally_lost_truths AFTER DELETE ON labeling_groundtruth REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION labeling_tally_on_truth_delete()""",
    """CREATE TRIGGER tally_changed_truths AFTER UPDATE ON labeling_groundtruth
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION labeling_tally_on_truth_update()""",
    """CREATE TRIGGER tally_withdrawals AFTER UPDATE OF withdrawn_at ON labeling_inspection
    FOR EACH ROW WHEN ((OLD.withdrawn_at IS NULL) <> (NEW.withdrawn_at IS NULL))
    EXECUTE FUNCTION labeling_tally_on_withdrawal()""",
)
FUNCTIONS = (
    MEASURED, ADD_TRUTHS, ADD, ON_DRAW, ON_PREDICTION,
    *(ON_TRUTH.format(name=name, plans=PLANS, changed=changed) for name, changed in CHANGED.items()), ON_WITHDRAWAL,
)  # fmt: skip
NAMES = (
    "labeling_tally_on_withdrawal()", "labeling_tally_on_truth_update()", "labeling_tally_on_truth_delete()",
    "labeling_tally_on_truth_insert()", "labeling_tally_on_prediction()", "labeling_tally_on_draw()",
    "labeling_tally_add(integer, bigint[], bigint[], boolean)",
    "labeling_tally_truths(integer[], bigint[], text[], bigint[], bigint[])",
    "labeling_measured(bigint[], bigint[])",
)  # fmt: skip
# What is there already is counted once, now.
WHAT_THERE_IS = """
SELECT labeling_tally_add(1, array_agg(p.id), '{}', false)
FROM labeling_prediction p JOIN labeling_inspection i ON i.id = p.inspection_id
WHERE i.withdrawn_at IS NULL
GROUP BY p.id / 50000
"""


class Migration(migrations.Migration):
    dependencies = [("labeling", "0013_tallies")]

    operations = [
        migrations.RunSQL(
            [(text, None) for text in (*FUNCTIONS, WHAT_THERE_IS, *TRIGGERS)],
            [(f"DROP FUNCTION {name} CASCADE", None) for name in NAMES],
        ),
    ]
