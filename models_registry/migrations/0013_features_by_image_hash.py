"""Features of images, each made once for all who ask."""

import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("models_registry", "0012_left_out_of_training"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImageFeatures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(help_text="Of the image's bytes", max_length=64)),
                ("features_version", models.CharField(max_length=40)),
                ("vector", models.BinaryField(help_text="float32, little-endian")),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "image features",
                "ordering": ("-pk",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("sha256", "features_version"), name="imagefeatures_image_version_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="imagefeatures_sha256_hex"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("features_version", ""), _negated=True), name="imagefeatures_version_said"
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.GreaterThan(
                            django.db.models.functions.text.Length("vector"), 0
                        ),
                        name="imagefeatures_vector_not_empty",
                    ),
                ],
            },
        ),
    ]
