"""Where things lie: the project, and its tests. A file asks here, so that it may move."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
