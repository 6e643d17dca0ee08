from django.apps import AppConfig


class AttendanceConfig(AppConfig):
    name = "attendance"

    def ready(self) -> None:
        from attendance.services.excuses import update_excuses
        from scheduling.services.bookings.after_booking import register_after_booking

        register_after_booking(update_excuses)
