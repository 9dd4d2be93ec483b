"""Dates, units, codes and duplicates; the change log; the data cut; one cut against another."""

from trialbook.cleaning.after_cut import after_cut_sentence, recorded_after_cut
from trialbook.cleaning.clean import Cleaned, clean_snapshot
from trialbook.cleaning.columns import blank_columns, missing_columns, who_adds
from trialbook.cleaning.compare_cuts import (
    Differences,
    check_deletions,
    compare_cuts,
    restatement_queries,
    restatements,
)
from trialbook.cleaning.cross_checks import consistency_queries
from trialbook.cleaning.cut import Cut, apply_cut
from trialbook.cleaning.files_of_others import comparison_queries
from trialbook.cleaning.problems import PROBLEMS
from trialbook.cleaning.replay import replay, replayed_domains
from trialbook.cleaning.report import (
    arrival_sentence,
    cleaning_rows,
    compared_counts,
    deleted_records,
    differences_sentence,
    fix_counts,
    headline,
    missing_by_visit,
    missing_values,
    query_counts,
    record_counts,
    restated_values,
    whole_change_log,
)
from trialbook.cleaning.schema_drift import drift_sentence, export_drift

__all__ = [
    "PROBLEMS", "Cleaned", "Cut", "Differences", "after_cut_sentence", "apply_cut", "arrival_sentence", "blank_columns",
    "check_deletions", "clean_snapshot", "cleaning_rows", "compare_cuts", "compared_counts", "comparison_queries",
    "consistency_queries",
    "deleted_records", "differences_sentence", "drift_sentence", "export_drift", "fix_counts", "headline",
    "missing_by_visit", "missing_columns", "missing_values", "query_counts", "record_counts", "recorded_after_cut",
    "replay", "replayed_domains", "restated_values", "restatement_queries", "restatements", "who_adds",
    "whole_change_log",
]  # fmt: skip
