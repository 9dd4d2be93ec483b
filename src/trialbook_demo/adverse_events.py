"""Adverse events (AE), the committee's flag on them (SUPPAE), and small everyday events by chance."""

from __future__ import annotations

from trialbook_demo.casebook import CaseBook, Record
from trialbook_demo.random_draws import Chance
from trialbook_demo.scenario import Event, Story

INFECTION, BLOOD = "Infections and infestations", "Blood and lymphatic system disorders"
GUT, GENERAL = "Gastrointestinal disorders", "General disorders and administration site conditions"
INVEST, META = "Investigations", "Metabolism and nutrition disorders"
# System of each term. Terms are CTCAE-like words made up for the synthetic trial; no coding dictionary is shipped.
SYSTEM = {
    "Acute graft versus host disease": "Immune system disorders", "Anaemia": BLOOD, "ALT increased": INVEST,
    "Back pain": "Musculoskeletal and connective tissue disorders", "BK virus cystitis": INFECTION,
    "Catheter related infection": INFECTION, "Chills": GENERAL, "CMV reactivation": INFECTION, "Constipation": GUT,
    "Cough": "Respiratory, thoracic and mediastinal disorders", "Creatinine increased": INVEST,
    "Dizziness": "Nervous system disorders", "Dry skin": "Skin and subcutaneous tissue disorders",
    "EBV reactivation": INFECTION, "Fatigue": GENERAL, "Headache": "Nervous system disorders",
    "Hyperglycemia": META, "Hypertension": "Vascular disorders", "Hypokalemia": META,
    "Hypotension": "Vascular disorders", "Infusion related reaction": "Injury, poisoning and procedural complications",
    "Insomnia": "Psychiatric disorders", "Leukemia recurrent": "Neoplasms benign, malignant and unspecified",
    "Lung infection": INFECTION, "Mucositis oral": GUT, "Neutrophil count decreased": INVEST,
    "Oral candidiasis": INFECTION, "Oedema peripheral": GENERAL, "Platelet count decreased": INVEST,
    "Pyrexia": GENERAL, "Sepsis": INFECTION, "Upper respiratory infection": INFECTION,
    "Tremor": "Nervous system disorders", "Tooth fracture": "Injury, poisoning and procedural complications",
}  # fmt: skip
# The laboratory test that shows a term: test, values by grade, and whether they are multiples of the upper limit.
LAB_OF_TERM: dict[str, tuple[str, dict[int, tuple[float, float]], bool]] = {
    "Anaemia": ("HGB", {2: (82, 98), 3: (64, 78), 4: (52, 63)}, False),
    "Platelet count decreased": ("PLAT", {2: (52, 73), 3: (27, 48), 4: (8, 23)}, False),
    "Neutrophil count decreased": ("NEUT", {2: (1.05, 1.45), 3: (0.55, 0.95), 4: (0.1, 0.45)}, False),
    "Hypokalemia": ("K", {1: (3.1, 3.4), 2: (3.05, 3.2), 3: (2.6, 2.9)}, False),
    "ALT increased": ("ALT", {1: (1.3, 2.8), 2: (3.2, 4.8), 3: (5.5, 12.0)}, True),
    "Creatinine increased": ("CREAT", {1: (1.1, 1.4), 2: (1.6, 2.4)}, True),
}
EVERYDAY = (
    "Back pain", "Constipation", "Cough", "Dizziness", "Dry skin", "Fatigue", "Headache", "Hyperglycemia", "Insomnia",
    "Mucositis oral", "Oedema peripheral", "Oral candidiasis", "Tremor", "Upper respiratory infection",
)  # fmt: skip
CRITERIA = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")


def everyday_events(story: Story, chance: Chance) -> list[Event]:
    """A few mild events by chance, none of a term that the story uses, all over before the subject is gone."""
    if not story.treated:
        return []
    terms = [term for term in EVERYDAY if term not in {event.term for event in story.events}]
    result = []
    for _ in range(chance.whole(2, 4)):
        term = chance.pick(terms)
        terms.remove(term)
        start, length = chance.whole(1, 150), chance.whole(2, 14)
        related = "UNLIKELY RELATED" if chance.yes(0.3) else "NOT RELATED"
        mild = 1 if chance.yes(0.7) else 2
        if start + length < story.last_day:
            result.append(Event(term, start, mild, end=start + length, related=related))
    return result


def write_events(book: CaseBook, chance: Chance) -> None:
    """AE of the story and of every day, SUPPAE for what the committee adjudicated."""
    numbers: dict[str, str] = {}
    for event in sorted([*book.story.events, *everyday_events(book.story, chance)], key=lambda e: e.day):
        name = event.group or f"{event.term} {event.day}"
        spid = numbers.setdefault(name, f"E{len(numbers) + 1:02d}")
        record = _write(book, event, spid)
        if event.dlt:
            _adjudicate(book, event, record)


def _write(book: CaseBook, event: Event, spid: str) -> Record:
    story = book.story
    serious = {name: "Y" if name == event.serious else "N" for name in CRITERIA}
    start = story.iso(event.day, event.hour)
    record = book.add(
        "AE", event.day, AESPID=spid, AETERM=event.term, AEDECOD=event.term, AEBODSYS=SYSTEM[event.term],
        AETOXGR=str(event.grade), AESER="Y" if event.serious else "N", **serious, AEREL=event.related,
        AEACN=event.action, AEOUT="NOT RECOVERED/NOT RESOLVED", AEENRTPT="ONGOING",
        AESTDTC=start[:7] if event.partial else start,
    )  # fmt: skip
    if event.at_first:
        record.change(story.on(event.corrected), **{name: record.values[name] for name in event.at_first})
        record.values |= event.at_first
    if event.end is not None:
        known = story.on(event.end if event.known_end is None else event.known_end)
        record.change(known, AEENDTC=story.iso(event.end), AEENRTPT="", AEOUT="RECOVERED/RESOLVED")
    if event.fatal and story.death is not None:
        known_day, completed_day = story.death_known or (story.death, story.death)
        whole, month = story.iso(story.death), story.iso(story.death)[:7]
        record.change(
            story.on(known_day), AETOXGR="5", AESER="Y", AESDTH="Y", AEOUT="FATAL", AEENRTPT="",
            AEENDTC=month if story.death_known else whole,
        )  # fmt: skip
        record.change(story.on(completed_day), AEENDTC=whole)
    return record


def _adjudicate(book: CaseBook, event: Event, record: Record) -> None:
    """The committee's answer, five days after the start of the event."""
    flag = book.add(
        "SUPPAE", event.day + 5, RDOMAIN="AE", IDVAR="AESEQ", QNAM="AEDLT", QLABEL="Dose-Limiting Toxicity",
        QVAL=event.dlt,
    )  # fmt: skip
    flag.about = record
