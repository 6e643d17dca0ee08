"""Addresses, phone numbers and emergency contacts. The one phone number of each patient becomes the first of their numbers."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 500


def copy_phones(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Make each number the patient's first one. Nobody has said yet that messages are allowed, so they are not."""
    known = apps.get_model("patients", "Patient").objects.exclude(phone="").values_list("pk", "phone")
    phone_model = apps.get_model("patients", "PatientPhone")
    phone_model.objects.bulk_create(
        (
            phone_model(patient_id=key, position=0, number=number.strip())
            for key, number in known.iterator()
            if number.strip()
        ),
        batch_size=BATCH,
    )


def restore_first_phones(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Copy each patient's first number back. Patients have no other numbers before this migration."""
    first = apps.get_model("patients", "PatientPhone").objects.order_by("patient", "-position")
    numbers = dict(first.values_list("patient", "number"))
    patients = apps.get_model("patients", "Patient").objects.filter(pk__in=numbers)
    for patient in patients.iterator():
        patient.phone = numbers[patient.pk]
        patient.save(update_fields=["phone"])


class Migration(migrations.Migration):
    dependencies = [("patients", "0011_merges")]

    operations = [
        migrations.AddField(
            model_name="patient",
            name="address",
            field=models.CharField(blank=True, help_text="Up to four lines.", max_length=200, verbose_name="address"),
        ),
        migrations.CreateModel(
            name="EmergencyContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "relationship",
                    models.CharField(
                        blank=True,
                        help_text="What the person is to the patient.",
                        max_length=60,
                        verbose_name="relationship",
                    ),
                ),
                ("phone", models.CharField(max_length=40, verbose_name="phone")),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="emergency_contacts",
                        to="patients.patient",
                        verbose_name="patient",
                    ),
                ),
            ],
            options={
                "verbose_name": "emergency contact",
                "verbose_name_plural": "emergency contacts",
                "ordering": ["patient", "position", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="emergency_contact_has_a_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("phone", ""), _negated=True), name="emergency_contact_has_a_phone"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PatientPhone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("number", models.CharField(max_length=40, verbose_name="phone")),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("mobile", "Mobile phone"),
                            ("home", "Home phone"),
                            ("work", "Work phone"),
                            ("other", "Other phone"),
                        ],
                        help_text="Blank if it is not known.",
                        max_length=10,
                        verbose_name="type",
                    ),
                ),
                (
                    "may_leave_message",
                    models.BooleanField(
                        default=False,
                        help_text="Whether the patient allows messages, which somebody else could hear or read.",
                        verbose_name="message allowed",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="phones",
                        to="patients.patient",
                        verbose_name="patient",
                    ),
                ),
            ],
            options={
                "verbose_name": "phone number",
                "verbose_name_plural": "phone numbers",
                "ordering": ["patient", "position", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number", ""), _negated=True), name="patient_phone_has_a_number"
                    ),
                ],
            },
        ),
        migrations.RunPython(copy_phones, restore_first_phones),
    ]
