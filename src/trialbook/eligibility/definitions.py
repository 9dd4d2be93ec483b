"""The definitions of steroid-refractory aGVHD side by side: what each says, and who would change (§2.4, A-19)."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from trialbook.domains import Domains
from trialbook.eligibility.screening import screening
from trialbook.eligibility.steroid_refractory import COLUMNS, FALSE, NE, TRUE, refractoriness
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

CHECK = "steroid_refractory"
LABELS = {
    "RULE": "Rule", "RESULT": "Result", "STARTDT": "Steroids from", "EVIDDT": "Decided by the stages of",
    "EVIDENCE": "Why",
}  # fmt: skip
CHINESE = "CN-2024"  # the consensus that a Chinese site sees beside the default (§2.4)
NO_DAY = "-"
_CASE = ["USUBJID", "DEFINITION"]


def all_definitions(
    adsl: pd.DataFrame,
    domains: Domains,
    protocol: Protocol,
    analysis: Analysis,
    cut_date: pd.Timestamp,
    chosen: Collection[str] | None = None,
) -> pd.DataFrame:
    """Every rule of every definition for every screened subject (`refractoriness`); empty without criterion IN03.

    With `chosen` (USUBJID) only these are looked at by every definition, the others by the one in force.
    """
    criterion = next((c for c in protocol.criteria if c.check == CHECK), None)
    people = screening(adsl, domains, protocol, analysis, cut_date)
    if criterion is None or people.subjects.empty:
        kinds = {name: "datetime64[s]" if name.endswith("DT") else "str" for name in COLUMNS}
        return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in COLUMNS})
    wanted = people.subjects["USUBJID"].isin(list(people.subjects["USUBJID"] if chosen is None else chosen))
    if wanted.all():
        return refractoriness(people, criterion)
    shown = people.narrowed(wanted.tolist(), analysis)
    inforce = refractoriness(people, criterion, [analysis.sr_definition])
    rest = inforce[~inforce["USUBJID"].isin(shown.subjects["USUBJID"])]
    return pd.concat([refractoriness(shown, criterion), rest], ignore_index=True)


def verdicts(rules: pd.DataFrame) -> pd.DataFrame:
    """One row per subject and definition: USUBJID DEFINITION RESULT EVIDDT RULE, in the order of `rules`.

    TRUE where a rule holds, with the first such rule and its date; FALSE where every rule is refuted, with the last
    date that refutes one; else NE.
    """
    keys = [rules["USUBJID"], rules["DEFINITION"]]
    each = pd.DataFrame(
        {
            "REFUTED": rules["RESULT"].eq(FALSE).groupby(keys, sort=False).all(),
            "LAST": rules["EVIDDT"].groupby(keys, sort=False).max(),
        }
    )
    holds = rules[rules["RESULT"].eq(TRUE)].drop_duplicates(_CASE).set_index(_CASE).reindex(each.index)
    shown, refuted = holds["RULE"].notna(), each["REFUTED"].astype(bool)
    each["RESULT"] = pd.Series(NE, index=each.index, dtype="str").mask(refuted, FALSE).mask(shown, TRUE)
    each["EVIDDT"] = each["LAST"].where(refuted).mask(shown, holds["EVIDDT"])
    each["RULE"] = holds["RULE"].fillna("").astype("str")
    return each.reset_index()[[*_CASE, "RESULT", "EVIDDT", "RULE"]]


def side_by_side(rules: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """SUBJID, a column per definition (TRUE, FALSE or NE with the deciding date), DIFFERS: which definitions say
    otherwise than the one in force, and CLASS (`refractory_or_dependent`). The definition in force stands first, the
    Chinese consensus next to it."""
    rules = rules[rules["USUBJID"].isin(adsl["USUBJID"])]
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
    kind = refractory_or_dependent(rules, analysis).reindex(wide.index)
    frame = wide.rename_axis(columns=None).assign(DIFFERS=differs, CLASS=kind)
    frame.insert(0, "SUBJID", adsl.set_index("USUBJID")["SUBJID"].reindex(frame.index))
    return frame.reset_index(drop=True).astype("str")


def refractory_or_dependent(rules: pd.DataFrame, analysis: Analysis) -> pd.Series:
    """By USUBJID, in order (§2.4): SR where the definition in force holds by a rule of refractoriness; SD (dependent)
    where a rule of failed taper holds, of whatever definition; NE where the definition in force is open; else -.

    The registry asks for refractory disease only: SD is shown, it decides nothing.
    """
    holds, taper = rules["RESULT"].eq(TRUE), rules["KIND"].eq("failed_taper")
    inforce = rules["DEFINITION"].eq(analysis.sr_definition)
    by = rules["USUBJID"]
    refractory, dependent, left_open = (
        case.groupby(by).any() for case in (holds & inforce & ~taper, holds & taper, inforce & rules["RESULT"].eq(NE))
    )
    kind = pd.Series(NO_DAY, index=refractory.index, dtype="str").mask(left_open, NE)
    return kind.mask(dependent, "SD").mask(refractory, "SR")


def definitions_in_order(rules: pd.DataFrame, analysis: Analysis) -> list[str]:
    """The definition in force, the Chinese consensus, then the others in the order of the protocol file."""
    names = list(dict.fromkeys(rules["DEFINITION"]))
    first = [name for name in dict.fromkeys((analysis.sr_definition, CHINESE)) if name in names]
    return [*first, *(name for name in names if name not in first)]


def definition_heads(rules: pd.DataFrame, analysis: Analysis) -> dict[str, str]:
    """Column heads: the definition in force and the Chinese consensus are marked."""
    marks = {CHINESE: " (Chinese consensus)", analysis.sr_definition: " (in force)"}
    heads = {name: name + marks.get(name, "") for name in dict.fromkeys(rules["DEFINITION"])}
    return {**heads, "CLASS": "Refractory (SR) or dependent (SD)"}


def rule_lines(rules: pd.DataFrame) -> pd.DataFrame:
    """The rules for reading, in their order: the columns of `LABELS`."""
    lines = rules[list(LABELS)].reset_index(drop=True)
    return lines.assign(**{name: lines[name].dt.strftime("%Y-%m-%d").fillna("") for name in ("STARTDT", "EVIDDT")})


def behind_verdicts(
    rules: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis
) -> dict[tuple[int, str], tuple[str, list[str], list[int]]]:
    """For each cell of `side_by_side` what opens behind it: title, notes, positions in `rule_lines`."""
    places = rules.reset_index(drop=True).groupby(_CASE, sort=False).indices
    people = adsl[adsl["USUBJID"].isin(rules["USUBJID"])].sort_values("USUBJID", kind="stable")
    rows = zip(range(len(people)), people["USUBJID"], people["SUBJID"], strict=True)
    note = "A definition holds where one of its rules is TRUE. NE: dose, weight or stages leave it open."
    return {
        (row, name): (f"{number}, {name}", [note], [int(place) for place in places[subject, name]])
        for row, subject, number in rows
        for name in definitions_in_order(rules, analysis)
        if (subject, name) in places
    }
