from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0014_site_idle_minutes"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="allows_delegates",
            field=models.BooleanField(
                default=False,
                help_text="With a signed release, one person may see when a patient has appointments, and nothing else.",
                verbose_name="share schedules with family",
            ),
        ),
    ]
