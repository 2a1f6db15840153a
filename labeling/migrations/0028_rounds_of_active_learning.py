"""Rounds of active learning and what they picked."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0027_qualifications"),
        ("models_registry", "0014_alerts_of_artifacts_and_deployments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LearningRound",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "n_asked",
                    models.PositiveIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(500),
                        ]
                    ),
                ),
                (
                    "random_share",
                    models.FloatField(
                        default=0.2, help_text="Share drawn by chance, to know what picking is worth: 0.2 means 20 %"
                    ),
                ),
                ("seed", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[("queued", "Queued"), ("done", "Picked"), ("failed", "Failed")],
                        default="queued",
                        max_length=8,
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("margin", "Where the model is torn"),
                            ("cold", "Typical and odd parts, before there is a model"),
                        ],
                        max_length=8,
                    ),
                ),
                ("n_pool", models.PositiveIntegerField(default=0, help_text="Unlabelled parts that it picked from")),
                ("detail", models.TextField(blank=True)),
                ("n_attempts", models.PositiveSmallIntegerField(default=0)),
                ("requested_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "model_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="learning_rounds",
                        to="models_registry.modelversion",
                    ),
                ),
                (
                    "registered_model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="learning_rounds",
                        to="models_registry.registeredmodel",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="LearningPick",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("arm", models.CharField(choices=[("active", "Picked"), ("random", "By chance")], max_length=8)),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("margin", "The model is torn"),
                            ("typical", "Typical of its kind"),
                            ("outlier", "Like nothing else"),
                            ("random", "By chance"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "pi",
                    models.FloatField(
                        blank=True, help_text="Chance of the random arm; none of what was picked", null=True
                    ),
                ),
                ("margin", models.FloatField(blank=True, help_text="Between the two best scores", null=True)),
                (
                    "inspection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="learning_picks",
                        to="labeling.inspection",
                    ),
                ),
                (
                    "predicted",
                    models.ForeignKey(
                        blank=True,
                        help_text="What the model said",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="models_registry.label",
                    ),
                ),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="learning_picks", to="labeling.review"
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="picks",
                        to="labeling.learninground",
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.AddConstraint(
            model_name="learninground",
            constraint=models.UniqueConstraint(
                fields=("registered_model", "number"), name="learninground_number_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="learninground",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "queued")), fields=("registered_model",), name="learninground_one_queued"
            ),
        ),
        migrations.AddConstraint(
            model_name="learninground",
            constraint=models.CheckConstraint(
                condition=models.Q(("n_asked__gte", 1), ("n_asked__lte", 500)), name="learninground_n_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="learninground",
            constraint=models.CheckConstraint(
                condition=models.Q(("random_share__gte", 0), ("random_share__lte", 1)), name="learninground_share_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="learninground",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["queued", "done", "failed"])), name="learninground_status_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="learninground",
            constraint=models.CheckConstraint(
                condition=models.Q(("method__in", ["", "margin", "cold"])), name="learninground_method_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="learninground",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("status", "queued")),
                    models.Q(models.Q(("status", "queued"), _negated=True), ("finished_at__isnull", False)),
                    _connector="OR",
                ),
                name="learninground_finished_at_iff_over",
            ),
        ),
        migrations.AddConstraint(
            model_name="learningpick",
            constraint=models.UniqueConstraint(fields=("round", "inspection"), name="learningpick_once_a_round"),
        ),
        migrations.AddConstraint(
            model_name="learningpick",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("arm", "active"), ("pi__isnull", True)),
                    models.Q(("arm", "random"), ("pi__gt", 0), ("pi__isnull", False), ("pi__lte", 1)),
                    _connector="OR",
                ),
                name="learningpick_pi_iff_random",
            ),
        ),
        migrations.AddConstraint(
            model_name="learningpick",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("arm", "random"), ("why", "random")),
                    models.Q(("arm", "active"), ("why__in", ["margin", "typical", "outlier"])),
                    _connector="OR",
                ),
                name="learningpick_why_fits_its_arm",
            ),
        ),
        migrations.AddConstraint(
            model_name="learningpick",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("margin__isnull", True), models.Q(("margin__gte", 0), ("margin__lte", 1)), _connector="OR"
                ),
                name="learningpick_margin_range",
            ),
        ),
    ]
