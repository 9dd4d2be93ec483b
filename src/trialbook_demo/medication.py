"""Concomitant medication (CM): steroids in mg a day and their taper, background drugs, second-line drugs."""

from __future__ import annotations

from trialbook_demo.casebook import CaseBook, Record
from trialbook_demo.disease import response
from trialbook_demo.scenario import Drug, Story

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
