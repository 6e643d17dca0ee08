from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0004_fill_the_copies")]

    operations = [
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("release_cause", ""), ("released_at", None)),
                    models.Q(
                        ("release_cause__in", ["given_back", "cancelled", "changed", "ended", "clash"]),
                        ("released_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="booking_is_released_for_a_cause",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.UniqueConstraint(
                models.F("meeting"), models.F("pattern_date"), name="meeting_has_one_session_on_a_date"
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("meeting", None), ("pattern_date", None)),
                    models.Q(("meeting__isnull", False), ("pattern_date__isnull", False)),
                    _connector="OR",
                ),
                name="session_of_a_meeting_stands_for_a_date",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("telehealth_link", ""), ("telehealth_link__startswith", "https://"), _connector="OR"
                ),
                name="session_is_online_over_https",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(("closure", None), ("status", "cancelled"), _connector="OR"),
                name="session_in_a_closure_is_cancelled",
            ),
        ),
        migrations.AddConstraint(
            model_name="sessionfacilitator",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ends", None), ("starts", None)),
                    models.Q(("ends__isnull", False), ("starts__isnull", False), ("starts__lt", models.F("ends"))),
                    _connector="OR",
                ),
                name="facilitator_is_there_for_some_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="site",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("opens", None), ("closes", None), ("opens__lt", models.F("closes")), _connector="OR"
                ),
                name="site_closes_after_it_opens",
            ),
        ),
        migrations.AddConstraint(
            model_name="leaveofabsence",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends", None), ("starts__lt", models.F("ends")), _connector="OR"),
                name="leave_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="leaveofabsence",
            constraint=models.UniqueConstraint(
                models.F("episode"), models.F("starts"), name="episode_has_one_leave_from_a_date"
            ),
        ),
        migrations.AddConstraint(
            model_name="leaveofabsence",
            constraint=models.UniqueConstraint(
                models.F("episode"), condition=models.Q(("ends", None)), name="episode_has_one_open_leave"
            ),
        ),
        migrations.AddConstraint(
            model_name="leaveofabsence",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="leave_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitingentry",
            constraint=models.UniqueConstraint(
                models.F("track"),
                models.F("episode"),
                condition=models.Q(("closed_at", None)),
                name="episode_waits_for_a_track_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitingentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__in", [1, 2, 3])), name="waiting_priority_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitingentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("close_reason", ""), ("closed_at", None), ("enrollment", None)),
                    models.Q(("closed_at__isnull", False), ("enrollment__isnull", False)),
                    models.Q(
                        ("closed_at__isnull", False),
                        ("enrollment", None),
                        models.Q(("close_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="waiting_ends_with_a_place_or_a_reason",
            ),
        ),
    ]
