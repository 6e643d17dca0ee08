from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0006_who_recorded_a_leave"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="mixes_tracks",
            field=models.BooleanField(
                default=False,
                help_text="Whether patients may attend meetings of several tracks that are for the same patients.",
            ),
        ),
        migrations.AddField(
            model_name="track",
            name="from_age",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="Years on the first day; empty: however young.", null=True
            ),
        ),
        migrations.AddField(
            model_name="track",
            name="level",
            field=models.CharField(
                blank=True,
                choices=[("2.1", "2.1 Intensive outpatient"), ("2.5", "2.5 Higher band (partial hospitalization)")],
                help_text="Whose patients it takes; empty: of any level.",
                max_length=4,
                verbose_name="level of care",
            ),
        ),
        migrations.AddField(
            model_name="track",
            name="to_age",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="Years on the first day, inclusive; empty: however old.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="track",
            constraint=models.CheckConstraint(
                condition=models.Q(("level__in", ["", "2.1", "2.5"])), name="track_level_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="track",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("from_age", None), ("to_age", None), ("from_age__lte", models.F("to_age")), _connector="OR"
                ),
                name="track_ages_are_a_range",
            ),
        ),
    ]
