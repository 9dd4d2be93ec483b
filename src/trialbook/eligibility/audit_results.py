"""The results that the audit of a criterion can have (rulebook §1.0), and what each says to a reader."""

from __future__ import annotations

from trialbook.core.messages import msg

RESULTS = ("PASS", "FAIL", "NE", "ATT-PASS", "ATT-FAIL", "CONFLICT", "WAIVED", "PENDING")
# What each says to a reader.
RESULT_WORDS = {
    "PASS": msg("passed by the data"), "ATT-PASS": msg("passed by the form"), "FAIL": msg("violated by the data"),
    "ATT-FAIL": msg("violated by the form"), "CONFLICT": msg("form and data differ"), "NE": msg("not evaluable"),
    "WAIVED": msg("waived"), "PENDING": msg("form not completed"),
}  # fmt: skip
