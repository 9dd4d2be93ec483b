"""SUPPAE on adverse events: the committee's DLT flags, their contradictions, and the day the site knew of an event."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date, earliest_date
from trialbook.core.supplemental import qualifier

# ----------------------------------------------------------------------------------------------------
# The day on which the site knew of an event (SUPPAE AEKNOWDT), joined to the record that it is about.


KNOWN_ON = "AEKNOWDT"


def known_to_site(ae: pd.DataFrame, suppae: pd.DataFrame, cut_date: pd.Timestamp) -> pd.DataFrame:
    """KNOWDTC, the day on which the site knew of each AE record as given (the earliest of several), and KNOWDT, the
    date of it: complete dates up to the cut only, never imputed.

    An answer that may be about several different records counts for none (it is asked about: P34-SUPP-UNJOINED).

    >>> ae = pd.DataFrame({"USUBJID": "001", "AESEQ": [1, 2], "AETERM": ["Rash", "Fever"]})
    >>> known = {"USUBJID": ["001"], "IDVAR": "AESEQ", "IDVARVAL": "1", "QNAM": "AEKNOWDT", "QVAL": "2025-03-06"}
    >>> known_to_site(ae, pd.DataFrame(known), pd.Timestamp("2025-06-30"))["KNOWDT"].astype("str").tolist()
    ['2025-03-06', nan]
    """
    answers = qualifier(suppae, ae, "AE", KNOWN_ON)
    answers = answers[answers["PARENT"].notna() & answers["SURE"].astype(bool) & ~answers["WHOLE"].astype(bool)]
    answers = answers[answers["QVAL"].fillna("").ne("")]
    answers = answers.assign(DAY=earliest_date(answers["QVAL"].astype("str")))
    first = answers.sort_values(["PARENT", "DAY", "QVAL"], kind="stable").drop_duplicates("PARENT")
    given = first.set_index("PARENT")["QVAL"].reindex(ae.index).fillna("").astype("str")
    day = complete_date(given)
    return pd.DataFrame({"KNOWDTC": given, "KNOWDT": day.where(day <= cut_date)})


# ----------------------------------------------------------------------------------------------------

FLAG = "AEDLT"
YES, NO = "Y", "N"


def adjudicated_dlt(ae: pd.DataFrame, suppae: pd.DataFrame) -> pd.Series:
    """DLTFL: the committee's AEDLT of each AE record, Y or N; blank where SUPPAE holds none. Y wins over N.

    A flag names its event by AESEQ, AESPID, AEGRPID or any other variable of AE (`supplemental.parent_links`, A-161).
    Where several different events may be meant, Y counts for all of them and N for none. A flag without a key is about
    the subject: N is the answer for each event without one of its own; Y likewise, unless an event of the subject has
    its own Y, which then is the event that was meant.

    >>> ae = pd.DataFrame({"USUBJID": "001", "AESEQ": [1, 2], "AETERM": ["Rash", "Fever"]})
    >>> supp = pd.DataFrame({"USUBJID": ["001"], "IDVAR": "AESEQ", "IDVARVAL": "2", "QNAM": "AEDLT", "QVAL": "Y"})
    >>> adjudicated_dlt(ae, supp).tolist()
    ['', 'Y']
    """
    return _answers(ae, _flags(ae, suppae))


def _answers(ae: pd.DataFrame, flags: pd.DataFrame) -> pd.Series:
    own = flags[~flags["WHOLE"] & (flags["SURE"] | flags["QVAL"].eq(YES))]
    named = own.groupby("PARENT")["QVAL"].max().reindex(ae.index)
    return _of_subject(named, flags[flags["WHOLE"]], ae["USUBJID"]).fillna("").astype("str")


def contradicted(ae: pd.DataFrame, suppae: pd.DataFrame) -> pd.Series:
    """Whether the committee's flags of an AE record, or of its subject, say both Y and N of it.

    >>> ae = pd.DataFrame({"USUBJID": "001", "AESEQ": [1, 2], "AETERM": ["Rash", "Fever"]})
    >>> supp = pd.DataFrame({"USUBJID": "001", "IDVAR": "AESEQ", "IDVARVAL": "2", "QNAM": "AEDLT", "QVAL": ["Y", "N"]})
    >>> contradicted(ae, supp).tolist()
    [False, True]
    """
    flags = _flags(ae, suppae)
    of_record = flags[~flags["WHOLE"]].groupby("PARENT")["QVAL"].nunique().reindex(ae.index).gt(1)
    whole = flags[flags["WHOLE"]].drop_duplicates(["USUBJID", "QVAL"])
    said = whole.groupby("USUBJID")["QVAL"].agg(lambda answers: "".join(sorted(answers)))
    subject = ae["USUBJID"].map(said).astype("str").fillna("")
    final = _answers(ae, flags)
    yes_somewhere = final.eq(YES).groupby(ae["USUBJID"]).transform("any")
    against = (subject.eq("NY") | (subject.eq(NO) & yes_somewhere)) & final.eq(YES)
    # The subject had a DLT and each of its events was called none.
    denied = subject.eq(YES) & final.eq(YES) & _own(ae, flags).eq(NO)
    return (of_record | against | denied).fillna(False).astype(bool)


def flags_without_event(ae: pd.DataFrame, suppae: pd.DataFrame) -> pd.DataFrame:
    """The committee's Y that no AE record can be found for: USUBJID, once per subject. It may not be lost (A-161).

    >>> ae = pd.DataFrame({"USUBJID": ["001"], "AESEQ": [1], "AETERM": ["Rash"]})
    >>> supp = pd.DataFrame({"USUBJID": ["001"], "IDVAR": "AESEQ", "IDVARVAL": "7", "QNAM": "AEDLT", "QVAL": "Y"})
    >>> flags_without_event(ae, supp)["USUBJID"].tolist()
    ['001']
    """
    flags = _flags(ae, suppae, found=False)
    lost = flags[flags["PARENT"].isna() & flags["QVAL"].eq(YES)]
    return lost[["USUBJID"]].dropna().drop_duplicates().reset_index(drop=True)


def _flags(ae: pd.DataFrame, suppae: pd.DataFrame, *, found: bool = True) -> pd.DataFrame:
    flags = qualifier(suppae, ae, "AE", FLAG)
    flags = flags[flags["QVAL"].isin([YES, NO])]
    return flags[flags["PARENT"].notna()] if found else flags


def _own(ae: pd.DataFrame, flags: pd.DataFrame) -> pd.Series:
    own = flags[~flags["WHOLE"] & flags["SURE"]]
    return own.groupby("PARENT")["QVAL"].max().reindex(ae.index).fillna("").astype("str")


def _of_subject(named: pd.Series, whole: pd.DataFrame, subject: pd.Series) -> pd.Series:
    """The flags by event (missing = none), completed by those that are about the whole subject."""
    said = {answer: subject.isin(whole.loc[whole["QVAL"].eq(answer), "USUBJID"]) for answer in (YES, NO)}
    explained = named.eq(YES).groupby(subject).transform("any")
    all_denied = named.eq(NO).groupby(subject).transform("all")
    yes = said[YES] & ~explained & (named.isna() | all_denied)
    return named.mask(yes, YES).mask(named.isna() & ~yes & said[NO], NO)
