"""The keys of the sampling designs stand with each evaluation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("models_registry", "0008_the_models_own_word"),
    ]

    operations = [
        migrations.AddField(
            model_name="evaluation",
            name="designs",
            field=models.JSONField(
                blank=True, default=list, help_text="Keys of the sampling designs by which its inspections were drawn"
            ),
        ),
    ]
