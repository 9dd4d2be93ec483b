"""Tables of the safety set by dose level: demography (T-2) and the disease at the first infusion (T-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import as_text, msg
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows, round_half_up
from trialbook.subjects.ages import age_group_labels

MEASURED = {
    "AGE": msg("Age at consent (years)"),
    "WEIGHTBL": msg("Body weight before the infusion (kg)"),
    "HSCTDAYS": msg("Days from transplant to infusion"),
    "ONSETDAYS": msg("Days from onset of the disease to infusion"),
    "SRDAYS": msg("Days from proof of refractoriness to infusion"),
}
CATEGORIES = {
    "AGEGR1": msg("Age group (years)"), "SEX": msg("Sex"), "DISEASE": msg("Underlying disease"),
    "DONOR": msg("Donor"), "GRAFT": msg("Graft"), "CONDITIONING": msg("Conditioning"),
}  # fmt: skip
# Table T-3, of the baseline assessment of response.
DISEASE_CATEGORIES = {
    "GRADEBL": msg("Overall grade"), "ORGANSBL": msg("Organs involved"), "SKINSTBL": msg("Stage of skin"),
    "LIVERSTBL": msg("Stage of liver"), "UGISTBL": msg("Stage of upper GI"), "LGISTBL": msg("Stage of lower GI"),
    "LINES": msg("Systemic lines before the infusion"), "SRPATTERN": msg("How steroids failed"),
}  # fmt: skip
SEXES = {"F": msg("Female"), "M": msg("Male")}
UNKNOWN = msg("Not known")
_STATS = {"median": msg("Median"), "min": msg("Minimum"), "max": msg("Maximum")}


# Somebody younger than this is a child, which is said wherever the age is.
ADULT = 18
_CHILD = ", child"


def age_and_sex(age: str, sex: str) -> str:
    """Age in years and sex in few words, and that the subject is a child; what is not known is left out.

    >>> str(age_and_sex("45", "M")), age_and_sex("", "F"), age_and_sex("45", ""), str(age_and_sex("17", "F"))
    ('45 M', 'F', '45', '17 F, child')
    """
    # Each id as a literal, so that the catalogue has it.
    known = {"M": msg("{n} M", n=age), "F": msg("{n} F", n=age)}
    if age and float(age) < ADULT:
        known = {"M": msg("{n} M, child", n=age), "F": msg("{n} F, child", n=age), "": msg("{n}, child", n=age)}
    return known[sex] if age and sex in known else " ".join(filter(None, (age, sex)))


def person_in_words(person: str) -> str:
    """Age and sex as `age_and_sex` says them, of a text of which only the English is left.

    >>> str(person_in_words("45 M")), str(person_in_words("F")), str(person_in_words("17 F, child"))
    ('45 M', 'F', '17 F, child')
    """
    known = person.removesuffix(_CHILD)
    if known[-1:].isdigit():
        return age_and_sex(known, "")
    age, _, sex = known.rpartition(" ")
    return age_and_sex(age, sex)


def demography_rows(
    adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis, entry: pd.DataFrame | None = None
) -> list[ArdRow]:
    """ARD rows DEMOG of SAF by level received and Total.

    `entry`: `eligibility.baseline_disease.disease_at_entry`; without it, or without response as an endpoint, only what
    ADSL holds is reported. Measured: n (with a value), median, min, max. Categories: n, N, p of each category; one for
    unknown values where there are any. Empty where no subject was treated.
    """
    treated = adsl[adsl["SAFFL"].eq("Y")]
    if entry is not None and protocol.has_endpoint("ORR_D28"):
        treated = treated.merge(entry.drop(columns="TRT01A"), on="USUBJID", how="left", validate="one_to_one")
    present = set(treated["AGEGR1"])
    inner = {f"{low}-{high}" for low, high in analysis.age_groups}
    ages = [label for label in age_group_labels(analysis.age_groups) if label in inner or label in present]
    fixed = {"AGEGR1": ages, "SEX": list(SEXES)}
    counted = [name for name in CATEGORIES if name in treated]
    return _measured(treated, protocol) + _counted("DEMOG", treated, counted, fixed, protocol)


def disease_rows(entry: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """ARD rows BASELINE of SAF by level received and Total: n, N, p of each category of `DISEASE_CATEGORIES`.

    No rows where the response of the disease is not an endpoint of the trial.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    return _counted("BASELINE", entry, list(DISEASE_CATEGORIES), {}, protocol)


def level_headers(adsl: pd.DataFrame, protocol: Protocol) -> dict[str, str]:
    """Column heads of tables of SAF by level: `DL1 (N=3)`, and Total."""
    received = adsl.loc[adsl["SAFFL"].eq("Y"), "TRT01A"]
    sizes = {code: int((received == code).sum()) for code in protocol.level_ids}
    return {
        code: msg("{level} (N={n})", level=as_text(code), n=n) for code, n in {**sizes, TOTAL: len(received)}.items()
    }


# What T-2 and T-3 open to where no dataset of the analysis holds it: the disease before the first infusion.
ENTRY_LABELS = {
    "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"),
    **{name: CATEGORIES[name] for name in ("DISEASE", "DONOR", "GRAFT", "CONDITIONING")},
    **{name: MEASURED[name] for name in ("HSCTDAYS", "ONSETDAYS", "SRDAYS")},
    **{name: DISEASE_CATEGORIES[name] for name in ("LINES", "SRPATTERN")},
}  # fmt: skip


def entry_lines(entry: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """A line per row of `disease_at_entry` (eligibility), in its order: the columns of `ENTRY_LABELS`."""
    number = dict(zip(adsl["USUBJID"], adsl["SUBJID"], strict=True))
    days = {name: entry[name].astype("Int64") for name in ENTRY_LABELS if name.endswith("DAYS")}
    return entry.assign(SUBJID=entry["USUBJID"].map(number), **days)[list(ENTRY_LABELS)]


def entry_sets(entry: pd.DataFrame) -> dict[tuple[str, ...], list[int]]:
    """Which lines of `entry_lines` are behind each number of T-2 and T-3 that rests on them, by the keys of its table.

    The key of a category is its heading, the category and the dose level (or Total); that of a measure the measure and
    the level. Of a measure the subjects with a value are behind it.
    """
    sets: dict[tuple[str, ...], list[int]] = {}
    headings = {**CATEGORIES, **DISEASE_CATEGORIES}
    for name in [name for name in ENTRY_LABELS if name in headings or name in MEASURED]:
        for position, (level, value) in enumerate(zip(entry["TRT01A"], entry[name], strict=True)):
            if name in MEASURED and pd.isna(value):
                continue
            key = (name,) if name in MEASURED else (headings[name], value or UNKNOWN)
            for column in (level, TOTAL):
                sets.setdefault((*key, column), []).append(position)
    return sets


NOBODY = msg("No subject has been treated at this cut.")


def measured_table(people: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """T-2: the rows of DEMOG that are measured, as a table shows them."""
    return described(
        people[people["variable"].isin(list(MEASURED))], row="variable", row_labels=MEASURED, stub=msg("Measure"),
        stats="{median} ({min} to {max}), n={n}", headers=level_headers(adsl, protocol), empty=NOBODY,
    )  # fmt: skip


def category_title(protocol: Protocol) -> str:
    """What T-2 is called: of a disease after a transplant, with the transplant."""
    return msg("Demography and transplant") if protocol.has_endpoint("ORR_D28") else msg("Demography")


def category_table(people: pd.DataFrame, categories: Mapping[str, str], empty: str = NOBODY) -> pd.DataFrame:
    """T-2 and T-3: the rows of DEMOG or BASELINE that count categories, as a table shows them."""
    rows = people[people["variable"].isin(list(categories))]
    # The numbers keep the names that they have in the results: by these they open to their records.
    rows = rows.assign(GROUP=rows["variable"].map(dict(categories)))
    return described(
        rows, stats="{n} ({p})", group="GROUP", row="variable_level", row_labels=category_labels(),
        stub=msg("Category"), empty=empty,
    )  # fmt: skip


def category_labels() -> dict[str, str]:
    """Texts of the categories for tables."""
    return {**SEXES, UNKNOWN: UNKNOWN}


def _levels(treated: pd.DataFrame, protocol: Protocol) -> list[tuple[str, pd.DataFrame]]:
    by_level = [(code, treated[treated["TRT01A"].eq(code)]) for code in protocol.level_ids]
    return [*by_level, (TOTAL, treated)] if len(treated) else []


def _measured(treated: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    return [
        row
        for code, group in _levels(treated, protocol)
        for name in MEASURED
        if name in group
        for row in _measured_rows(group[name].astype("float64").dropna(), code, name)
    ]


def _measured_rows(values: pd.Series, code: str, name: str) -> list[ArdRow]:
    rows = [ard_row("DEMOG", code, name, "n", len(values), stat_label="Subjects with a value")]
    for stat, label in _STATS.items():
        number = float(values.agg(stat)) if len(values) else None
        text = "-" if number is None else round_half_up(number, 1).removesuffix(".0")
        rows.append(ard_row("DEMOG", code, name, stat, number, stat_text=text, stat_label=label))
    return rows


def _counted(
    analysis_id: str,
    treated: pd.DataFrame,
    names: Sequence[str],
    fixed: Mapping[str, Sequence[str]],
    protocol: Protocol,
) -> list[ArdRow]:
    """Subjects in each category: the `fixed` ones of a variable, else those that occur, sorted; then the unknown."""
    rows = []
    known = {name: list(fixed.get(name, sorted(set(treated[name]) - {""}))) for name in names}
    for code, group in _levels(treated, protocol):
        for name in names:
            counts = group[name].where(group[name].isin(known[name]), UNKNOWN).value_counts()
            unknown = [] if treated[name].isin(known[name]).all() else [UNKNOWN]
            for category in [*known[name], *unknown]:
                rows += proportion_rows(
                    analysis_id, code, name, int(counts.get(category, 0)), len(group), variable_level=category
                )
    return rows
