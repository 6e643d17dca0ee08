"""Write valid rows to the database, and report rows that conflict with the database or with each other."""
