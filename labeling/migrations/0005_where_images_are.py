import secrets

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import labeling.models.places


def say_what_is_there(apps, schema_editor):
    """Images that lie in the store are stored; every station gets a secret of its own."""
    apps.get_model("labeling", "Item").objects.exclude(image="").update(image_status="stored")
    for station in apps.get_model("labeling", "Station").objects.all():
        station.image_secret = secrets.token_hex(32)
        station.save(update_fields=["image_secret"])


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0004_imports_of_labels"),
        ("models_registry", "0001_first_tables"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImageFetch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        db_default="waiting",
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("n_attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("next_attempt_at", models.DateTimeField(help_text="While running: when the claim expires")),
                ("code", models.CharField(blank=True, db_default="", max_length=40)),
                ("reason", models.TextField(blank=True, db_default="", help_text="Why the last attempt failed")),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "image fetches",
                "ordering": ("-pk",),
            },
        ),
        migrations.RemoveIndex(
            model_name="item",
            name="item_sha256",
        ),
        migrations.RemoveIndex(
            model_name="review",
            name="review_open_queue",
        ),
        migrations.AddField(
            model_name="item",
            name="image_address",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Where it can be had: https://…, store:KEY, station:PATH",
                max_length=1000,
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="image_status",
            field=models.CharField(
                choices=[
                    ("not_wanted", "Not wanted"),
                    ("wanted", "Wanted"),
                    ("fetching", "Being fetched"),
                    ("stored", "Stored"),
                    ("at_station", "At the station"),
                    ("failed", "Could not be had"),
                ],
                db_default="not_wanted",
                default="not_wanted",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="waits_for_image",
            field=models.BooleanField(db_default=False, default=False, help_text="Handed out once the image is there"),
        ),
        migrations.AddField(
            model_name="reviewpolicy",
            name="needs_image",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="A review waits until its image is there; off: people see the part itself, or only its data",
            ),
        ),
        migrations.AddField(
            model_name="station",
            name="image_address",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Where browsers fetch images that stay here, for example http://line-3.plant:8088/images/",
                max_length=200,
                validators=[labeling.models.places.validate_image_address],
            ),
        ),
        migrations.AddField(
            model_name="station",
            name="image_secret",
            field=models.CharField(
                default=labeling.models.places.new_image_secret,
                help_text="Signs those addresses; the station checks with it",
                max_length=64,
            ),
        ),
        migrations.RunPython(say_what_is_there, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="item",
            name="image",
            field=models.CharField(blank=True, help_text="Key in the file store, once it is stored", max_length=200),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("sha256", ""), _negated=True), fields=["sha256"], name="item_sha256"
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(("status", "open")),
                fields=["registered_model", "waits_for_image", "priority", "id"],
                name="review_open_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("image_status__in", ["not_wanted", "wanted", "fetching", "stored", "at_station", "failed"])
                ),
                name="item_image_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("image_status", "stored"), models.Q(("image", ""), _negated=True)),
                    models.Q(models.Q(("image_status", "stored"), _negated=True), ("image", "")),
                    _connector="OR",
                ),
                name="item_image_there_iff_stored",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("image_status__in", ["not_wanted", "wanted", "stored"]),
                    models.Q(("image_address", ""), _negated=True),
                    _connector="OR",
                ),
                name="item_image_to_be_had_has_address",
            ),
        ),
        migrations.AddField(
            model_name="imagefetch",
            name="item",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="fetch", to="labeling.item"
            ),
        ),
        migrations.AddIndex(
            model_name="imagefetch",
            index=models.Index(
                condition=models.Q(("status__in", ["waiting", "running"])),
                fields=["next_attempt_at"],
                name="imagefetch_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="imagefetch",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["waiting", "running", "done", "failed"])),
                name="imagefetch_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="imagefetch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", False), ("status__in", ["done", "failed"])),
                    models.Q(
                        models.Q(("status__in", ["done", "failed"]), _negated=True), ("finished_at__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="imagefetch_finished_at_iff_over",
            ),
        ),
    ]
