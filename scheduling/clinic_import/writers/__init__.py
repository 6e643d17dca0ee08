"""Writes rows that are sound, and says against which the database or another row speaks."""
