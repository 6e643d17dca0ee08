"""The project's root folder, for tests that read its files."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
