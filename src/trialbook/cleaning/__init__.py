"""Dates, units, codes and duplicates; the change log; the data cut; one cut against another."""

from trialbook.cleaning.clean import Cleaned, clean_snapshot
from trialbook.cleaning.cut import Cut, apply_cut
from trialbook.cleaning.differences import Differences, check_deletions, compare_cuts, restatement_queries
from trialbook.cleaning.rules import RULES

__all__ = [
    "RULES", "Cleaned", "Cut", "Differences", "apply_cut", "check_deletions", "clean_snapshot", "compare_cuts",
    "restatement_queries",
]  # fmt: skip
