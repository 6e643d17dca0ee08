import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0004_the_way_back"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CommitmentProposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "action",
                    models.CharField(choices=[("add", "Add"), ("change", "Change"), ("end", "End")], max_length=10),
                ),
                ("label", models.CharField(help_text="What the commitment is called.", max_length=80)),
                ("values", models.JSONField(blank=True, default=dict)),
                ("last_day", models.DateField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("kept", "Kept at once"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("proposed_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="Why it was declined; the patient reads it.", max_length=200
                    ),
                ),
                (
                    "commitment",
                    models.ForeignKey(
                        blank=True,
                        help_text="What is to change or end, or what was added.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="proposals",
                        to="patients.commitment",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who accepted or declined it.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="proposals", to="patients.patient"
                    ),
                ),
            ],
            options={
                "ordering": ["-proposed_at", "-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("action__in", ["add", "change", "end"])), name="proposal_action_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "kept", "accepted", "declined", "withdrawn"])),
                        name="proposal_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("state", "waiting")),
                            models.Q(models.Q(("state", "waiting"), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="proposal_waits_until_it_is_decided",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "declined"), models.Q(("reason", ""), _negated=True)),
                            models.Q(models.Q(("state", "declined"), _negated=True), ("reason", "")),
                            _connector="OR",
                        ),
                        name="proposal_is_declined_for_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "waiting"), _negated=True),
                            models.Q(("action", "add"), ("commitment", None)),
                            models.Q(models.Q(("action", "add"), _negated=True), ("commitment__isnull", False)),
                            _connector="OR",
                        ),
                        name="proposal_that_waits_adds_or_is_about_a_commitment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("action", "end"), ("last_day__isnull", False)),
                            models.Q(models.Q(("action", "end"), _negated=True), ("last_day", None)),
                            _connector="OR",
                        ),
                        name="proposal_ends_with_a_last_day",
                    ),
                    models.UniqueConstraint(
                        models.F("commitment"),
                        condition=models.Q(("state", "waiting")),
                        name="commitment_has_one_proposal_that_waits",
                    ),
                ],
            },
        ),
    ]
