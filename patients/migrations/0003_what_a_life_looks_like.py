import datetime

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0002_links"),
        ("scheduling", "0006_who_recorded_a_leave"),
    ]

    operations = [
        migrations.RemoveConstraint("commitment", "commitment_is_weekly_or_on_one_date"),
        migrations.RemoveConstraint("commitment", "commitment_takes_less_than_a_day"),
        migrations.RemoveConstraint("commitment", "commitment_travel_at_most_eight_hours"),
        migrations.RenameField("commitment", "travel_minutes", "travel_before_minutes"),
        migrations.CreateModel(
            name="PlaceTravel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "before_minutes",
                    models.PositiveSmallIntegerField(default=0, help_text="From the site to the place."),
                ),
                ("after_minutes", models.PositiveSmallIntegerField(default=0, help_text="From the place to the site.")),
            ],
            options={
                "ordering": ["place", "site"],
            },
        ),
        migrations.AddField(
            model_name="commitment",
            name="cycle_days",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="How many days a rotation goes round.", null=True
            ),
        ),
        migrations.AddField(
            model_name="commitment",
            name="cycle_mask",
            field=models.BigIntegerField(
                blank=True, help_text="A bit for each day of a rotation that is on; the first day is 1.", null=True
            ),
        ),
        migrations.AddField(
            model_name="commitment",
            name="movable_minutes",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="How much later it could begin, or earlier end; 0 protects it."
            ),
        ),
        migrations.AddField(
            model_name="commitment",
            name="travel_after_minutes",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="From there to the site, where its place does not say."
            ),
        ),
        migrations.AddField(
            model_name="commitment",
            name="until",
            field=models.DateField(
                blank=True, help_text="The first day after the dates, if they are several.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="commitment",
            name="anchor",
            field=models.DateField(
                blank=True,
                help_text="A date in one of its weeks, if every other week; a first day of a rotation.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="commitment",
            name="on",
            field=models.DateField(
                blank=True, help_text="The date, or the first of several, if it is on dates alone.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="commitment",
            name="travel_before_minutes",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="From the site to there, where its place does not say."
            ),
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="For example Home, or Warehouse.", max_length=80)),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="places", to="patients.patient"
                    ),
                ),
            ],
            options={
                "ordering": ["patient", "name"],
            },
        ),
        migrations.AddField(
            model_name="commitment",
            name="place",
            field=models.ForeignKey(
                blank=True,
                help_text="Where it is: the way to each site is known from there.",
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="commitments",
                to="patients.place",
            ),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("cycle_days", None),
                        ("cycle_mask", None),
                        ("on", None),
                        ("until", None),
                        ("weekdays__gte", 1),
                        ("weekdays__lte", 127),
                    ),
                    models.Q(
                        ("on", None),
                        ("until", None),
                        ("weekdays", 0),
                        ("anchor__isnull", False),
                        ("cycle_days__isnull", False),
                        ("cycle_mask__isnull", False),
                    ),
                    models.Q(
                        ("anchor", None),
                        ("cycle_days", None),
                        ("cycle_mask", None),
                        ("on__isnull", False),
                        ("valid_from", None),
                        ("valid_until", None),
                        models.Q(
                            models.Q(("until", None), ("weekdays", 0)),
                            models.Q(("until__isnull", False), ("weekdays__gte", 1), ("weekdays__lte", 127)),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="commitment_is_weekly_or_goes_round_or_is_on_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.CheckConstraint(
                condition=models.Q(("cycle_days__gte", 2), ("cycle_days__lte", 56)),
                name="commitment_goes_round_within_eight_weeks",
            ),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    django.db.models.lookups.Exact(
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("cycle_mask"), "+", models.Value(1)
                            ),
                            ">>",
                            models.F("cycle_days"),
                        ),
                        0,
                    ),
                    django.db.models.lookups.Exact(
                        django.db.models.expressions.CombinedExpression(models.F("cycle_mask"), "&", models.Value(1)), 1
                    ),
                ),
                name="commitment_round_begins_with_a_day_on_and_has_one_off",
            ),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("on"))), name="commitment_dates_end_after_they_begin"
            ),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("starts", models.F("ends")), _negated=True),
                    models.Q(("ends", datetime.time(0, 0)), ("starts", datetime.time(0, 0))),
                    _connector="OR",
                ),
                name="commitment_takes_time_or_the_whole_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("movable_minutes", 0),
                    models.Q(("movable_minutes__gte", 5), ("movable_minutes__lte", 480)),
                    _connector="OR",
                ),
                name="commitment_moves_by_five_minutes_to_eight_hours",
            ),
        ),
        migrations.AddConstraint(
            model_name="commitment",
            constraint=models.CheckConstraint(
                condition=models.Q(("travel_after_minutes__lte", 480), ("travel_before_minutes__lte", 480)),
                name="commitment_travel_at_most_eight_hours",
            ),
        ),
        migrations.AddField(
            model_name="placetravel",
            name="place",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="travels", to="patients.place"
            ),
        ),
        migrations.AddField(
            model_name="placetravel",
            name="site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="scheduling.site"
            ),
        ),
        migrations.AddConstraint(
            model_name="place",
            constraint=models.UniqueConstraint(
                models.F("patient"), models.F("name"), name="place_name_is_unique_for_a_patient"
            ),
        ),
        migrations.AddConstraint(
            model_name="place",
            constraint=models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="place_has_a_name"),
        ),
        migrations.AddConstraint(
            model_name="placetravel",
            constraint=models.UniqueConstraint(models.F("place"), models.F("site"), name="place_has_one_way_to_a_site"),
        ),
        migrations.AddConstraint(
            model_name="placetravel",
            constraint=models.CheckConstraint(
                condition=models.Q(("after_minutes__lte", 480), ("before_minutes__lte", 480)),
                name="place_is_at_most_eight_hours_away",
            ),
        ),
    ]
