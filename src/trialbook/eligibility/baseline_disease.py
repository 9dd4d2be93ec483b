"""The disease of each treated subject at the first infusion: transplant, times, stages, earlier lines (T-2, T-3)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date, rel_day
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.core.terms import holds_term
from trialbook.drugs.records import drugs_in_force, medications
from trialbook.efficacy.assessment_days import baseline_assessments, with_rel_day
from trialbook.eligibility.refractory import TRUE
from trialbook.gvhd.grade import ORGANS, grade_bounds, grade_text
from trialbook.gvhd.staging import derive_stages
from trialbook.gvhd.steroids import is_systemic
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import STEROID, THERAPY

COLUMNS = [
    "USUBJID", "TRT01A", "DISEASE", "DONOR", "GRAFT", "CONDITIONING", "GRADEBL", "ORGANSBL",
    *(f"{organ}STBL" for organ in ORGANS), "LINES", "SRPATTERN", "HSCTDAYS", "ONSETDAYS", "SRDAYS",
]  # fmt: skip
# What the transplant centre may add to SUPPDM; the registry and the interface name no variables for it.
SUPPLIED = ("DONOR", "GRAFT", "CONDITIONING")
PATTERNS = {
    "worse": msg("Progression on steroids"),
    "new_organ": msg("New organ on steroids"),
    "not_improved": msg("No improvement"),
    "no_pr": msg("No improvement"),
    "not_resolved": msg("Not resolved"),
    "failed_taper": msg("Return in taper (dependent)"),
}


def disease_at_entry(adsl: pd.DataFrame, domains: Domains, rules: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """One row per treated subject (SAFFL = Y), sorted: USUBJID TRT01A and what is known of the disease before day 0.

    `rules`: `refractoriness` with at least the definition in force. Text columns are blank where the data do not say:
    DISEASE, DONOR GRAFT CONDITIONING; GRADEBL (grade of the baseline of response, A-50), <organ>STBL, ORGANSBL (organs
    involved), LINES (systemic lines before the infusion); SRPATTERN (how the definition in force is met). Days before
    the infusion, missing where a date is: HSCTDAYS (last transplant), ONSETDAYS (first acute GVHD), SRDAYS (the day
    that shows refractoriness).
    """
    treated = adsl[adsl["SAFFL"].eq("Y") & adsl["TRTSDT"].notna()].sort_values("USUBJID", kind="stable")
    frame = treated[["USUBJID", "TRT01A", "TRTSDT"]].reset_index(drop=True)
    if frame.empty:
        return pd.DataFrame({name: pd.Series(dtype="float64" if name.endswith("DAYS") else "str") for name in COLUMNS})
    history = _history(domains, treated, analysis)
    told = {
        "DISEASE": _first_text(history[history["KIND"].eq("underlying_disease")]),
        **{name: _supplied(domains, name) for name in SUPPLIED},
        **_baseline(treated, domains, analysis),
        "LINES": _lines(domains, treated, history, analysis),
        "SRPATTERN": _pattern(rules, analysis),
    }
    dated = {
        "HSCTDAYS": history[history["KIND"].eq("transplant")].groupby("USUBJID")["DAY"].max(),
        "ONSETDAYS": history[history["KIND"].eq("acute_gvhd")].groupby("USUBJID")["DAY"].min(),
        "SRDAYS": _holding(rules, analysis).groupby("USUBJID")["EVIDDT"].min(),
    }
    for name, values in told.items():
        frame[name] = values.astype("str").reindex(frame["USUBJID"]).fillna("").to_numpy()
    for name, values in dated.items():
        day = values.reindex(frame["USUBJID"]).set_axis(frame.index).astype("datetime64[s]")
        frame[name] = -rel_day(day, frame["TRTSDT"]).astype("Float64").astype("float64")
    return frame[COLUMNS]


def _history(domains: Domains, treated: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The records of MH, CE and PR that tell the story before the infusion: USUBJID KIND NAME DAY (NaT if partial)."""
    start = treated.set_index("USUBJID")["TRTSDT"]
    found = []
    for code, term in (("MH", "MHTERM"), ("CE", "CETERM"), ("PR", "PRTRT")):
        rows = domains[code][domains[code]["USUBJID"].isin(start.index)]
        parts = [rows[name].fillna("") for name in (term, f"{code}DECOD", f"{code}CAT")]
        text = parts[0].str.cat(parts[1:], sep=" | ")
        began = earliest_date(rows[f"{code}STDTC"])
        before = ~(began > start.reindex(rows["USUBJID"]).set_axis(rows.index))
        for kind, words in analysis.history_words:
            chosen = before & holds_term(parts[2] if kind == "underlying_disease" else text, words)
            found.append(
                pd.DataFrame(
                    {
                        "USUBJID": rows.loc[chosen, "USUBJID"],
                        "KIND": kind,
                        "NAME": parts[0][chosen],
                        "DAY": complete_date(rows.loc[chosen, f"{code}STDTC"]),
                    }
                )
            )
    frame = pd.concat(found, ignore_index=True)
    return frame.astype({"USUBJID": "str", "KIND": "str", "NAME": "str", "DAY": "datetime64[s]"})


def _first_text(rows: pd.DataFrame) -> pd.Series:
    """The first name of each subject, by day; those without a day last."""
    ordered = rows.sort_values(["USUBJID", "DAY", "NAME"], kind="stable")
    return ordered.drop_duplicates("USUBJID").set_index("USUBJID")["NAME"]


def _supplied(domains: Domains, name: str) -> pd.Series:
    supp = domains["SUPPDM"]
    rows = supp[supp["QNAM"].str.upper().eq(name) & supp["QVAL"].notna()]
    return rows.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["QVAL"]


def _baseline(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> dict[str, pd.Series]:
    """Grade, stages and number of organs of the baseline of response; a grade that is not decided is both bounds."""
    stages = with_rel_day(derive_stages(domains, treated, analysis), treated)
    base = baseline_assessments(stages, analysis).set_index("USUBJID")
    bounds = grade_bounds(base)
    low, high = (grade_text(bounds[name]) for name in ("GRADELO", "GRADEHI"))
    known = base[list(ORGANS)].notna().all(axis=1)
    involved = (base[list(ORGANS)] > 0).sum(axis=1).astype("str")
    return {
        "GRADEBL": low.where(low == high, low + " to " + high),
        "ORGANSBL": involved.where(known, ""),
        **{f"{organ}STBL": base[organ].astype("Int64").astype("str").fillna("") for organ in ORGANS},
    }


def _lines(domains: Domains, treated: pd.DataFrame, history: pd.DataFrame, analysis: Analysis) -> pd.Series:
    """Systemic anti-GVHD lines begun from the onset of acute GVHD to before day 0: steroids are one, each drug is one.

    Prophylaxis begins before the onset and is not a line. Blank without an onset date or without CM.
    """
    onset = history[history["KIND"].eq("acute_gvhd")].groupby("USUBJID")["DAY"].min().dropna()
    if not domains.delivered("CM"):
        return pd.Series(dtype="str")
    drugs = medications(domains, "CM", drugs_in_force(analysis))
    kind, name = drugs.column(lambda named: named.kind), drugs.column(lambda named: named.drug)
    steroid = drugs.column(lambda named: bool(named.of(STEROID)), "bool")
    line = name.where(kind == THERAPY, "").mask(steroid, "steroids")
    cm, local = domains["CM"], drugs.column(lambda named: named.local, "bool")
    systemic = is_systemic(cm, analysis.local_routes, local)
    cm, line = cm[systemic], line[systemic]
    start = treated.set_index("USUBJID")["TRTSDT"]
    begun, start = (day.reindex(cm["USUBJID"]).set_axis(cm.index) for day in (onset, start))
    inside = (earliest_date(cm["CMSTDTC"]) >= begun) & (latest_date(cm["CMSTDTC"]) < start) & (line != "")
    counted = pd.DataFrame({"USUBJID": cm["USUBJID"], "LINE": line})[inside].drop_duplicates()
    return counted.groupby("USUBJID").size().reindex(onset.index, fill_value=0).astype("str")


def _holding(rules: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    return rules[rules["DEFINITION"].eq(analysis.sr_definition) & rules["RESULT"].eq(TRUE)]


def _pattern(rules: pd.DataFrame, analysis: Analysis) -> pd.Series:
    """How the first rule that holds is met; steroid dependence is named, since the registry says refractory only."""
    first = _holding(rules, analysis).drop_duplicates("USUBJID").set_index("USUBJID")
    return first["KIND"].map(PATTERNS)
