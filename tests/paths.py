"""Path of the project's root folder, for tests that read files of the project."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
