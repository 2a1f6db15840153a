"""A review carries what queues are asked by, so that a claim reads the head of one index however long the queue is."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A row is written with its part, views, prediction and draws before it (COPY, imports, the admin). One look-up by key
# each, as in the rollups' triggers: `OFFSET 0` and the settings leave the planner no choice.
ON_REVIEW = """
CREATE FUNCTION labeling_review_queues() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    SELECT station_id, shift INTO NEW.station_id, NEW.shift FROM labeling_inspection WHERE id = NEW.inspection_id;
    SELECT source_id INTO NEW.source_id
    FROM (SELECT id, source_id FROM labeling_item WHERE inspection_id = NEW.inspection_id OFFSET 0) views
    ORDER BY id LIMIT 1;
    IF NOT NEW.blind AND NEW.prediction_id IS NOT NULL THEN
        SELECT label_id, sqrt(confidence * (1 - confidence)) INTO NEW.shown_label_id, NEW.doubt
        FROM labeling_prediction WHERE id = NEW.prediction_id;
        SELECT coalesce(max(uncertainty), NEW.doubt) INTO NEW.doubt
        FROM (
            SELECT registered_model_id AS model, uncertainty FROM labeling_selection
            WHERE inspection_id = NEW.inspection_id OFFSET 0
        ) draws
        WHERE model = NEW.registered_model_id;
    END IF;
    RETURN NEW;
END
$$
"""
TRIGGER = """CREATE TRIGGER review_queues BEFORE INSERT ON labeling_review
FOR EACH ROW EXECUTE FUNCTION labeling_review_queues()"""
# What is closed may be opened again by an undo.
WHAT_THERE_IS = """
UPDATE labeling_review r SET
    station_id = i.station_id, shift = i.shift,
    source_id = (SELECT source_id FROM labeling_item WHERE inspection_id = i.id ORDER BY id LIMIT 1),
    shown_label_id = CASE WHEN r.blind THEN NULL ELSE p.label_id END,
    doubt = CASE WHEN NOT r.blind THEN coalesce(
        (SELECT max(uncertainty) FROM labeling_selection s
         WHERE s.inspection_id = i.id AND s.registered_model_id = r.registered_model_id),
        sqrt(p.confidence * (1 - p.confidence))
    ) END,
    spoken = EXISTS (SELECT 1 FROM labeling_verdict v WHERE v.review_id = r.id)
FROM labeling_inspection i, labeling_review o LEFT JOIN labeling_prediction p ON p.id = o.prediction_id
WHERE i.id = r.inspection_id AND o.id = r.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0019_designs_campaigns_and_thinning"),
        ("models_registry", "0008_the_models_own_word"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="review",
            name="doubt",
            field=models.FloatField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="review",
            name="shift",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=40),
        ),
        migrations.AddField(
            model_name="review",
            name="shown_label",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="models_registry.label",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="source",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="labeling.source",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="spoken",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="review",
            name="station",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="labeling.station",
            ),
        ),
        migrations.RunSQL(
            [(text, None) for text in (ON_REVIEW, WHAT_THERE_IS, TRIGGER)],
            [("DROP FUNCTION labeling_review_queues() CASCADE", None)],
        ),
        migrations.AlterField(
            model_name="review",
            name="claimed_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="claimed_reviews",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(("claimed_by__isnull", False), ("status", "open")),
                fields=["registered_model", "claim_expires_at"],
                name="review_leased",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", True),
                    models.Q(("reason", "adjudication"), _negated=True),
                ),
                fields=["registered_model", "priority", "deadline", "id"],
                name="review_queue_again",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("reason", "adjudication"),
                ),
                fields=["registered_model", "priority", "deadline", "id"],
                name="review_queue_second",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    ("priority__gte", 0),
                ),
                fields=["registered_model", "priority", "deadline", "id"],
                name="review_model_by_drawn",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    ("priority__gte", 0),
                ),
                fields=["registered_model", "priority", "deadline", "-doubt", "id"],
                name="review_model_by_doubt",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    ("station__isnull", False),
                ),
                fields=["registered_model", "station", "priority", "deadline", "id"],
                name="review_station_by_drawn",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    ("station__isnull", False),
                ),
                fields=["registered_model", "station", "priority", "deadline", "-doubt", "id"],
                name="review_station_by_doubt",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    ("source__isnull", False),
                ),
                fields=["registered_model", "source", "priority", "deadline", "id"],
                name="review_source_by_drawn",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    ("source__isnull", False),
                ),
                fields=["registered_model", "source", "priority", "deadline", "-doubt", "id"],
                name="review_source_by_doubt",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    models.Q(("shift", ""), _negated=True),
                ),
                fields=["registered_model", "shift", "priority", "deadline", "id"],
                name="review_shift_by_drawn",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    models.Q(("shift", ""), _negated=True),
                ),
                fields=["registered_model", "shift", "priority", "deadline", "-doubt", "id"],
                name="review_shift_by_doubt",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    ("shown_label__isnull", False),
                ),
                fields=["registered_model", "shown_label", "priority", "deadline", "id"],
                name="review_label_by_drawn",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(
                    ("claimed_by__isnull", True),
                    ("status", "open"),
                    ("waits_for_image", False),
                    ("spoken", False),
                    models.Q(("reason", "adjudication"), _negated=True),
                    ("shown_label__isnull", False),
                ),
                fields=["registered_model", "shown_label", "priority", "deadline", "-doubt", "id"],
                name="review_label_by_doubt",
            ),
        ),
        migrations.AlterField(
            model_name="verdict",
            name="reviewer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="verdicts",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="verdict",
            index=models.Index(fields=["reviewer", "said_at"], name="verdict_of_a_person_by_day"),
        ),
    ]
