from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("models_registry", "0022_who_trains_and_what_it_costs")]

    operations = [
        migrations.AddField(model_name="trainingstep", name="curves", field=models.JSONField(blank=True, default=dict)),
        migrations.AddField(
            model_name="remotetraining",
            name="series",
            field=models.JSONField(
                blank=True, default=dict, help_text="Numbers that it told with its progress, by name"
            ),
        ),
    ]
