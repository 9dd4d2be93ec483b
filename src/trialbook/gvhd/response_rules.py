"""Response of organ stages against baseline: the rule sets CIBMTR and CN, and bounds for missing organs (§2.6)."""

from __future__ import annotations

from typing import Any

import numpy as np

from trialbook.core.messages import msg

CATEGORIES = ("CR", "PR", "MR", "NR", "PD")
RESPONDERS = ("CR", "PR")
INCOMPLETE = "INCOMPLETE"
# The responses that are no abbreviation of the field.
RESPONSE_WORDS = {"PENDING": msg("pending")}


def respond(baseline: Any, day: Any, rules: str) -> np.ndarray:
    """Category of each row of organ stages `day` against `baseline` (n x 4: skin, liver, upper GI, lower GI).

    Returns CR PR MR NR PD, NE where no organ was involved at baseline, and "" where a stage is missing. With
    improved = an involved organ is lower than at baseline, worse = any organ is higher:
    CIBMTR (A-51): CR all 0; PR improved and not worse; MR improved and worse; PD worse only; NR neither.
    CN: CR all 0; PD any organ worse; PR every involved organ improved; NR the rest, partial improvement too (A-52).

    >>> respond([2, 0, 0, 1], [0, 0, 0, 2], "CIBMTR"), respond([2, 0, 0, 1], [0, 0, 0, 2], "CN")
    (array(['MR'], dtype='<U2'), array(['PD'], dtype='<U2'))
    >>> respond([2, 0, 0, 1], [0, 0, np.nan, 0], "CIBMTR")
    array([''], dtype='<U2')
    """
    b, d = (np.atleast_2d(np.asarray(x, dtype="float64")) for x in (baseline, day))
    involved = b > 0
    lower, higher = involved & (d < b), d > b
    clear = (d == 0).all(axis=1)
    improved, worse = lower.any(axis=1), higher.any(axis=1)
    if rules == "CIBMTR":
        category = np.select([clear, improved & ~worse, improved, worse], ["CR", "PR", "MR", "PD"], "NR")
    elif rules == "CN":
        every = (lower | ~involved).all(axis=1)
        category = np.select([clear, worse, every], ["CR", "PD", "PR"], "NR")
    else:
        raise ValueError(f"unknown response rules {rules!r}")
    category = np.where(involved.any(axis=1), category, "NE")
    return np.where(np.isnan(b).any(axis=1) | np.isnan(d).any(axis=1), "", category)


def respond_between(
    baseline_low: Any, baseline_high: Any, day_low: Any, day_high: Any, rules: str
) -> tuple[np.ndarray, np.ndarray]:
    """Category at the worst and at the best filling of stages that are known only as a range (§2.7).

    A higher baseline and a lower stage now can only better the class CR / PR / other under both rule sets, so two
    fillings bound all others.

    >>> respond_between([2, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 4], "CIBMTR")
    (array(['MR'], dtype='<U2'), array(['CR'], dtype='<U2'))
    """
    return respond(baseline_low, day_high, rules), respond(baseline_high, day_low, rules)


def decide(worst: np.ndarray, best: np.ndarray) -> np.ndarray:
    """The category where worst and best filling agree in the class CR / PR / other, else INCOMPLETE (§2.7).

    Where both are in "other" but differ, the worst filling's category is used: it is a non-response either way.

    >>> decide(np.array(["PD", "MR"]), np.array(["CR", "NR"]))
    array(['INCOMPLETE', 'MR'], dtype='<U10')
    """
    kind_worst = np.where(np.isin(worst, RESPONDERS), worst, "other")
    kind_best = np.where(np.isin(best, RESPONDERS), best, "other")
    return np.where(kind_worst == kind_best, worst, INCOMPLETE)
