"""Which records are behind a number of the results, and how they read: one place for pages, tests and notebooks."""

from trialbook.records_behind.find import RecordsBehind, ResultNumber, Studied, records_behind
from trialbook.records_behind.reading import lines_of

__all__ = ["RecordsBehind", "ResultNumber", "Studied", "lines_of", "records_behind"]
