"""Who the subject is and what happened before and around the trial: DM, DS, IE, MH, CE, PR, EX, DV, SS, SUPPDM."""

from __future__ import annotations

from datetime import date

from trialbook_demo.casebook import CaseBook
from trialbook_demo.scenario import SITE, Story
from trialbook_demo.visits import LAST_VISIT, Visit

CRITERIA = [f"IN{n:02d}" for n in range(1, 6)] + [f"EX{n:02d}" for n in range(1, 18)]
SWEEP_MONTHS = (
    (3, 28),
    (6, 27),
    (9, 27),
    (12, 28),
)  # the calls that ask for survival, a few days before a quarter ends
FOLLOWED_DAYS = 365
INFUSION_START, INFUSION_END = "10:15", "10:55"


def write_subject(book: CaseBook) -> None:
    """DM, with the arm and the death entered when they became known; SUPPDM where the person was screened before."""
    story = book.story
    arm = f"Dose level {story.level[2:]}" if story.treated else "Screen Failure"
    code = story.level or "SCRNFAIL"
    record = book.add(
        "DM", story.consent, SUBJID=story.subject_id, SITEID=SITE, RFICDTC=story.iso(story.consent),
        BRTHDTC=story.person.birth.isoformat(), AGE=str(story.age), AGEU="YEARS", SEX=story.person.sex, RACE="ASIAN",
        ARMCD="NOTASSGN", ARM="Not Assigned", ACTARMCD="NOTASSGN", ACTARM="Not Assigned",
    )  # fmt: skip
    decided = story.on(0 if story.treated else _failed_on(story))
    record.change(decided, ARMCD=code, ARM=arm, ACTARMCD=code, ACTARM=arm)
    if story.death is not None:
        known, completed = story.death_known or (story.death, story.death)
        whole = story.iso(story.death)
        record.change(story.on(known), DTHFL="Y", DTHDTC=whole[:7] if story.death_known else whole)
        record.change(story.on(completed), DTHDTC=whole)


def write_earlier_number(book: CaseBook, earlier: Story) -> None:
    """SUPPDM: the subject identifier under which the same person was screened before."""
    book.add(
        "SUPPDM", book.story.consent, RDOMAIN="DM", QNAM="RESCREEN_OF", QLABEL="Re-screening of Subject",
        QVAL=earlier.usubjid,
    )  # fmt: skip


def write_disposition(book: CaseBook, held: list[Visit]) -> None:
    """DS: consent, screen failure, loss, death, completion."""
    story = book.story
    by_guardian = " FROM THE LEGAL GUARDIAN" if story.age < 18 else ""
    _milestone(book, story.consent, "PROTOCOL MILESTONE", "INFORMED CONSENT OBTAINED" + by_guardian,
               "INFORMED CONSENT OBTAINED")  # fmt: skip
    if 8 <= story.age < 18:  # from 8 years on the child agrees too
        _milestone(book, story.consent, "PROTOCOL MILESTONE", "ASSENT OBTAINED", "ASSENT OBTAINED")
    if not story.treated:
        reason = f"SCREEN FAILURE: {story.failed} NOT MET"
        _milestone(book, _failed_on(story), "DISPOSITION EVENT", reason, "SCREEN FAILURE")
    if story.lost is not None:
        _milestone(book, story.lost, "DISPOSITION EVENT", "LOST TO FOLLOW-UP", "LOST TO FOLLOW-UP")
    for visit in held:
        if visit.name == LAST_VISIT:
            _milestone(book, visit.day, "DISPOSITION EVENT", "COMPLETED", "COMPLETED")
    if story.death is not None:
        known, completed = story.death_known or (story.death, story.death)
        whole = story.iso(story.death)
        record = book.add(
            "DS", known, DSCAT="DISPOSITION EVENT", DSTERM=f"DEATH: {story.death_cause}", DSDECOD="DEATH",
            DSSTDTC=whole[:7] if story.death_known else whole,
        )  # fmt: skip
        record.change(story.on(completed), DSSTDTC=whole)


def _milestone(book: CaseBook, day: int, category: str, term: str, decoded: str) -> None:
    book.add("DS", day, DSCAT=category, DSTERM=term, DSDECOD=decoded, DSSTDTC=book.story.iso(day))


def _failed_on(story: Story) -> int:
    return story.consent + 3


def write_eligibility_form(book: CaseBook) -> None:
    """IE: the answer to each of the 22 criteria; inclusion Y and exclusion N mean that the criterion is satisfied."""
    story = book.story
    day = 0 if story.treated else _failed_on(story)
    for criterion in CRITERIA:
        inclusion = criterion.startswith("IN")
        answer = "Y" if inclusion != (criterion == story.failed) else "N"
        book.add(
            "IE", day, IETESTCD=criterion, IECAT="INCLUSION" if inclusion else "EXCLUSION",
            IEORRES=story.form.get(criterion, answer), IEDTC=story.iso(day),
        )  # fmt: skip


def write_history(book: CaseBook) -> None:
    """MH, CE and PR: the underlying disease, the transplant, the onset of acute GVHD, relapse, other conditions."""
    story = book.story
    found = story.hsct - 190
    lines = [
        (story.person.disease, "UNDERLYING DISEASE", found, None, "", ""),
        ("Allogeneic haematopoietic stem cell transplantation", "TRANSPLANT", story.hsct, story.hsct, "", ""),
        ("Acute graft versus host disease", "ACUTE GVHD", story.onset, None, "", ""),
        *((c.term, c.category, c.start, c.end, c.grade, c.severity) for c in story.conditions),
    ]
    decoded = {"TRANSPLANT": "ALLO-HSCT", "ACUTE GVHD": "ACUTE GVHD"}
    for term, category, start, end, grade, severity in lines:
        ended = end is not None
        book.add(
            "MH", story.consent, MHTERM=term, MHDECOD=decoded.get(category, term.upper()), MHCAT=category,
            MHSEV=severity, MHTOXGR=grade, MHSTDTC=story.iso(start), MHENDTC=story.iso(end) if end is not None else "",
            MHENRTPT="" if ended else "ONGOING",
        )  # fmt: skip
    book.add(
        "PR", story.consent, PRTRT="Allogeneic HSCT", PRDECOD="ALLO-HSCT", PRCAT="TRANSPLANT",
        PRSTDTC=story.iso(story.hsct), PRENDTC=story.iso(story.hsct),
    )  # fmt: skip
    book.add("CE", story.consent, CETERM="AGVHD", CEDECOD="ACUTE GVHD", CECAT="ACUTE GVHD",
             CESTDTC=story.iso(story.onset), CEENRTPT="ONGOING")  # fmt: skip
    if story.relapse is not None:
        book.add("CE", story.relapse, CETERM="RELAPSE", CEDECOD="RELAPSE", CECAT="UNDERLYING DISEASE",
                 CESTDTC=story.iso(story.relapse), CEENRTPT="ONGOING")  # fmt: skip


def write_infusions(book: CaseBook) -> None:
    """EX: one record per planned infusion, in cells per kg or in total cells; dose 0 = not given."""
    story = book.story
    for number, dose in enumerate(story.doses):
        amount = dose.per_kg * story.person.weight if story.cells else dose.per_kg
        begun, ended = story.iso(dose.day, INFUSION_START), story.iso(dose.day, INFUSION_END)
        book.add(
            "EX", dose.day, EXTRT="iMSC", EXDOSE=f"{amount:g}", EXSTDTC=begun,
            EXDOSU="10^6 cells" if story.cells else "10^6 cells/kg", EXENDTC=ended if dose.per_kg > 0 else begun,
            VISIT="DAY 7" if number else "BASELINE", VISITNUM="4" if number else "2",
        )  # fmt: skip


def write_deviations(book: CaseBook) -> None:
    """DV: deviations and waivers."""
    for deviation in book.story.deviations:
        book.add(
            "DV", deviation.day, DVTERM=deviation.text, DVDECOD=deviation.code, DVCAT=deviation.category,
            DVSTDTC=book.story.iso(deviation.day),
        )  # fmt: skip


def write_survival(book: CaseBook) -> None:
    """SS: the calls a few days before each quarter ends, for a year from the first infusion, until death or loss."""
    story = book.story
    if not story.treated:
        return
    for year in range(story.day0.year, story.day0.year + 2):
        for month, day_of_month in SWEEP_MONTHS:
            day = (date(year, month, day_of_month) - story.day0).days
            gone = min((d for d in (story.death, story.lost) if d is not None), default=FOLLOWED_DAYS)
            if 0 < day < gone:
                book.add("SS", day, SSTESTCD="SURVSTAT", SSORRES="ALIVE", SSDTC=story.iso(day))
    if story.death is not None:
        known, completed = story.death_known or (story.death, story.death)
        whole = story.iso(story.death)
        record = book.add("SS", known, SSTESTCD="SURVSTAT", SSORRES="DEAD",
                          SSDTC=whole[:7] if story.death_known else whole)  # fmt: skip
        record.change(story.on(completed), SSDTC=whole)
