"""Which records are behind a number of the results, and how they read: one place for pages, tests and notebooks."""

from trialbook.records_behind.find import records_behind
from trialbook.records_behind.reading import lines_of
from trialbook.records_behind.studied import RecordsBehind, ResultNumber, Studied

__all__ = ["RecordsBehind", "ResultNumber", "Studied", "lines_of", "records_behind"]
