"""The definitions of steroid-refractory aGVHD side by side: what each says, and who would change (§2.4, A-19)."""

from __future__ import annotations

import pandas as pd

from trialbook.domains import Domains
from trialbook.eligibility.screening import screening
from trialbook.eligibility.steroid_refractory import COLUMNS, FALSE, NE, TRUE, refractoriness
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

CHECK = "steroid_refractory"
CHINESE = "CN-2024"  # the consensus that a Chinese site sees beside the default (§2.4)
NO_DAY = "-"


def all_definitions(
    adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    """Every rule of every definition for every screened subject (`refractoriness`); empty without criterion IN03."""
    criterion = next((c for c in protocol.criteria if c.check == CHECK), None)
    people = screening(adsl, domains, protocol, analysis, cut_date)
    if criterion is None or people.subjects.empty:
        kinds = {name: "datetime64[s]" if name.endswith("DT") else "str" for name in COLUMNS}
        return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in COLUMNS})
    return refractoriness(people, criterion)


def verdicts(rules: pd.DataFrame) -> pd.DataFrame:
    """One row per subject and definition: USUBJID DEFINITION RESULT EVIDDT RULE, in the order of `rules`.

    TRUE where a rule holds, with the first such rule and its date; FALSE where every rule is refuted, with the last
    date that refutes one; else NE.
    """
    rows = []
    for (subject, definition), group in rules.groupby(["USUBJID", "DEFINITION"], sort=False):
        holds = group[group["RESULT"].eq(TRUE)]
        if len(holds):
            rows.append((subject, definition, TRUE, holds["EVIDDT"].iloc[0], holds["RULE"].iloc[0]))
        elif group["RESULT"].eq(FALSE).all():
            rows.append((subject, definition, FALSE, group["EVIDDT"].max(), ""))
        else:
            rows.append((subject, definition, NE, pd.NaT, ""))
    frame = pd.DataFrame(rows, columns=["USUBJID", "DEFINITION", "RESULT", "EVIDDT", "RULE"])
    return frame.astype(dict.fromkeys(("USUBJID", "DEFINITION", "RESULT", "RULE"), "str"))


def side_by_side(rules: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """SUBJID, a column per definition (TRUE, FALSE or NE with the deciding date), and DIFFERS: which definitions say
    otherwise than the one in force. The definition in force stands first, the Chinese consensus next to it."""
    if rules.empty:
        return pd.DataFrame({"SUBJID": pd.Series(dtype="str")})
    said = verdicts(rules)
    said["CELL"] = said["RESULT"] + said["EVIDDT"].dt.strftime(", %Y-%m-%d").fillna("")
    order = definitions_in_order(rules, analysis)
    wide = said.pivot(index="USUBJID", columns="DEFINITION", values="CELL")[order]
    results = said.pivot(index="USUBJID", columns="DEFINITION", values="RESULT")[order]
    inforce = results[order[0]]
    differs = [
        ", ".join(name for name in order[1:] if row[name] != now) or NO_DAY
        for (_, row), now in zip(results.iterrows(), inforce, strict=True)
    ]
    frame = wide.rename_axis(columns=None).assign(DIFFERS=differs)
    frame.insert(0, "SUBJID", adsl.set_index("USUBJID")["SUBJID"].reindex(frame.index))
    return frame.reset_index(drop=True).astype("str")


def definitions_in_order(rules: pd.DataFrame, analysis: Analysis) -> list[str]:
    """The definition in force, the Chinese consensus, then the others in the order of the protocol file."""
    names = list(dict.fromkeys(rules["DEFINITION"]))
    first = [name for name in dict.fromkeys((analysis.sr_definition, CHINESE)) if name in names]
    return [*first, *(name for name in names if name not in first)]


def definition_heads(rules: pd.DataFrame, analysis: Analysis) -> dict[str, str]:
    """Column heads: the definition in force and the Chinese consensus are marked."""
    marks = {CHINESE: " (Chinese consensus)", analysis.sr_definition: " (in force)"}
    return {name: name + marks.get(name, "") for name in dict.fromkeys(rules["DEFINITION"])}


def rules_behind(rules: pd.DataFrame, subject: str, definition: str) -> pd.DataFrame:
    """The rules of one definition for one subject, for reading: RULE RESULT STARTDT EVIDDT EVIDENCE."""
    chosen = rules[rules["USUBJID"].eq(subject) & rules["DEFINITION"].eq(definition)]
    return chosen[["RULE", "RESULT", "STARTDT", "EVIDDT", "EVIDENCE"]].reset_index(drop=True)
