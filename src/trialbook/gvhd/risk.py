"""Minnesota risk of acute GVHD from organ stages, where the published table gives it (§16.6, A-219)."""

from __future__ import annotations

from itertools import product

import pandas as pd

from trialbook.gvhd.grade import stage_range

STANDARD, HIGH, NO_GVHD, NOT_DETERMINED = "STANDARD", "HIGH", "NONE", "NE"


def minnesota_risk(skin: int, liver: int, ugi: int, lgi: int) -> str:
    """STANDARD or HIGH by the organs involved and their stages; NONE where no organ is.

    | involved                          | risk     |
    |-----------------------------------|----------|
    | skin 1-3 alone                    | STANDARD |
    | GI 1-2 alone                      | STANDARD |
    | skin 1-3 and GI 1                 | STANDARD |
    | skin 1-3 and liver 1-4            | STANDARD |
    | anything else                     | HIGH     |

    GI is upper and lower GI together; persistent nausea is its stage 1. Source: MacMillan 2015 (two groups), the
    standard-risk group as tabulated by BMT CTN 1501, Blood 2020;135:97 [S56].

    >>> minnesota_risk(3, 0, 1, 0), minnesota_risk(2, 0, 0, 2), minnesota_risk(0, 1, 0, 0), minnesota_risk(1, 4, 0, 0)
    ('STANDARD', 'HIGH', 'HIGH', 'STANDARD')
    """
    gut = max(ugi, lgi)
    involved = (skin > 0, liver > 0, gut > 0)
    if not any(involved):
        return NO_GVHD
    standard = (
        (involved == (True, False, False) and skin <= 3)
        or (involved == (False, False, True) and gut <= 2)
        or (involved == (True, False, True) and skin <= 3 and gut == 1)
        or (involved == (True, True, False) and skin <= 3)
    )
    return STANDARD if standard else HIGH


def minnesota_risks(stages: pd.DataFrame) -> pd.Series:
    """The risk of each assessment (SKIN LIVER UGI LGI, missing where not known), on its index.

    NE where the stages that a missing organ may have give more than one group; the risk does not rise with every
    stage (a rash beside liver GVHD is standard risk, liver GVHD alone high), so all of them are tried.

    >>> stages = pd.DataFrame({"SKIN": [4.0, 2.0], "LIVER": [None, None], "UGI": [0.0, 0.0], "LGI": [0.0, 0.0]})
    >>> minnesota_risks(stages).tolist()
    ['HIGH', 'STANDARD']
    """
    low, high = stage_range(stages)
    found = []
    for least, most in zip(low.tolist(), high.tolist(), strict=True):
        ranges = [range(int(first), int(last) + 1) for first, last in zip(least, most, strict=True)]
        risks = {minnesota_risk(*combination) for combination in product(*ranges)}
        found.append(risks.pop() if len(risks) == 1 else NOT_DETERMINED)
    return pd.Series(found, index=stages.index, dtype="str")
