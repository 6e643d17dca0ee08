import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0007_who_a_track_is_for"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CounselorHours",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weekday", models.PositiveSmallIntegerField(help_text="Monday is 0.")),
                ("starts", models.TimeField()),
                ("ends", models.TimeField()),
                ("valid_from", models.DateField(blank=True, null=True)),
                (
                    "valid_until",
                    models.DateField(blank=True, help_text="The first day on which they no longer hold.", null=True),
                ),
            ],
            options={
                "verbose_name_plural": "counselor hours",
                "ordering": ["site", "user", "weekday", "starts", "pk"],
            },
        ),
        migrations.AddField(
            model_name="meeting",
            name="kept_for",
            field=models.ForeignKey(
                blank=True,
                help_text="The enrollment whose individual time it is: nobody else is in it, and it ends with it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="one_to_ones",
                to="scheduling.enrollment",
            ),
        ),
        migrations.AddConstraint(
            model_name="meeting",
            constraint=models.CheckConstraint(
                condition=models.Q(("kept_for", None), ("places", 1), _connector="OR"),
                name="meeting_kept_for_one_has_one_place",
            ),
        ),
        migrations.AddField(
            model_name="counselorhours",
            name="site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="counselor_hours", to="scheduling.site"
            ),
        ),
        migrations.AddField(
            model_name="counselorhours",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="counselor_hours", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="counselorhours",
            constraint=models.CheckConstraint(
                condition=models.Q(("weekday__lte", 6)), name="counselor_hours_are_on_a_weekday"
            ),
        ),
        migrations.AddConstraint(
            model_name="counselorhours",
            constraint=models.CheckConstraint(
                condition=models.Q(("starts__lt", models.F("ends"))), name="counselor_hours_end_after_they_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="counselorhours",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from", None),
                    ("valid_until", None),
                    ("valid_from__lt", models.F("valid_until")),
                    _connector="OR",
                ),
                name="counselor_hours_hold_for_a_day",
            ),
        ),
    ]
