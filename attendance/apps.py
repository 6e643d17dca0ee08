from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AttendanceConfig(AppConfig):
    name = "attendance"
    verbose_name = _("Attendance")

    def ready(self) -> None:
        from attendance.services.excuses import update_excuses
        from scheduling.services.bookings.after_booking import register_after_booking

        register_after_booking(update_excuses)
