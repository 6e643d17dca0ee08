"""Writes valid rows to the database, and finds those that conflict with it or with another row."""
