"""Who the subject is and what happened before and around the trial: DM, DS, IE, MH, CE, PR, EX, DV, SS, SUPPDM."""

from __future__ import annotations

from datetime import date

from trialbook_demo.casebook import LAST_VISIT, CaseBook, Record, Visit
from trialbook_demo.disease import response
from trialbook_demo.scenario import SITE, Drug, Story

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


# ----------------------------------------------------------------------------------------------------
# Concomitant medication (CM): steroids in mg a day and their taper, background drugs, second-line drugs.


# From which REL_DAY which share of the full dose is given, for those who respond and those who do not.
TAPER_RESPONSE = ((5, 0.75), (12, 0.5), (21, 0.25), (35, 0.1), (91, 0.0))
TAPER_NONE = ((14, 0.75), (29, 0.5), (60, 0.25), (110, 0.0))


def steroid_dose(weight: float) -> float:
    """Daily methylprednisolone in mg: 2 mg/kg, rounded up to 5 mg so that it is at least 2 mg/kg on any weighing."""
    return 5.0 * -(-(2.05 * weight) // 5.0)


def write_medication(book: CaseBook) -> None:
    """CM of one subject, in the order in which the drugs were started."""
    story = book.story
    drugs = [*_steroids(story), *_background(story), *story.drugs]
    if story.new_therapy:
        name, day = story.new_therapy
        dose = "5" if story.person.weight < 30 else "10"
        drugs.append(Drug(name, "SECOND-LINE GVHD THERAPY", day, None, dose))
    for drug in sorted(drugs, key=lambda drug: drug.start):
        if drug.start <= max(story.last_day, 0):
            _write(book, drug)


def _steroids(story: Story) -> list[Drug]:
    full = steroid_dose(story.person.weight)
    taper: tuple[tuple[int, float], ...] = TAPER_NONE
    if story.treated and 28 in story.course and response(story.baseline, story.course[28]) in ("CR", "PR"):
        taper = TAPER_RESPONSE
    starts = [(story.steroids, 1.0), *taper] if story.treated else [(story.steroids, 1.0)]
    result = []
    for k, (day, share) in enumerate(starts):
        if share > 0:
            end = starts[k + 1][0] - 1 if k + 1 < len(starts) else None
            dose = f"{max(2.5, 2.5 * round(full * share / 2.5)):g}"
            result.append(Drug("Methylprednisolone", "GVHD THERAPY", day, end, dose, route="INTRAVENOUS"))
    return result


def _background(story: Story) -> list[Drug]:
    """Ciclosporin since the transplant, short methotrexate after it, antifungal prophylaxis."""
    h = story.hsct
    ciclosporin = f"{5 * round(3 * story.person.weight / 5):d}"
    methotrexate = f"{max(5, round(0.25 * story.person.weight)):d}"
    return [
        Drug("Ciclosporin", "GVHD PROPHYLAXIS", h - 1, None, ciclosporin),
        Drug("Methotrexate", "GVHD PROPHYLAXIS", h + 1, h + 6, methotrexate, route="INTRAVENOUS"),
        Drug("Posaconazole", "ANTI-INFECTIVE PROPHYLAXIS", h + 5, None, "200" if story.age < 13 else "300"),
    ]


def _write(book: CaseBook, drug: Drug) -> None:
    _add(book, drug)
    if drug.entered_twice:
        entered, removed = drug.entered_twice
        _add(book, drug, known=entered).delete(book.story.on(removed))


def _add(book: CaseBook, drug: Drug, known: int | None = None) -> Record:
    story = book.story
    record = book.add(
        "CM", drug.start if known is None else known, CMTRT=drug.name, CMDECOD=drug.name.upper(),
        CMCAT=drug.category, CMDOSE=drug.dose, CMDOSU=drug.unit if drug.dose else "", CMROUTE=drug.route,
        CMDOSFRQ="QD" if drug.dose else "", CMINDC="ACUTE GVHD" if "GVHD" in drug.category else "PROPHYLAXIS",
        CMSTDTC=story.iso(drug.start), CMENRTPT="ONGOING",
    )  # fmt: skip
    end, known_end = drug.end, drug.end
    if story.death is not None and (end is None or end >= story.death):
        end, known_end = story.death, story.death_known[1] if story.death_known else story.death
    if end is not None and known_end is not None and (story.lost is None or end <= story.lost):
        record.change(story.on(max(known_end, story.consent)), CMENDTC=story.iso(end), CMENRTPT="")
    return record
