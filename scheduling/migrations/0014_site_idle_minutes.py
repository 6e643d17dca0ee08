import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0013_retired_rooms"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="idle_minutes",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Minutes without activity, at least 5. Leave blank for the usual time.",
                null=True,
                validators=[django.core.validators.MinValueValidator(5)],
                verbose_name="sign-out after (minutes)",
            ),
        ),
        migrations.AddConstraint(
            model_name="site",
            constraint=models.CheckConstraint(
                condition=models.Q(("idle_minutes", None), ("idle_minutes__gte", 5), _connector="OR"),
                name="site_leaves_time_for_a_pause",
                violation_error_message="Choose at least 5 minutes without activity.",
            ),
        ),
    ]
