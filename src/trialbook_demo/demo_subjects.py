"""The cast of the demo trial: twelve treated subjects and four screen failures, each with the part it plays.

The days follow the 3+3 rule as in life: three at level 1 and one in the place of an early death, three at level 2 of
whom one has a DLT and so three more, and the two that the cap of twelve leaves for level 3.
"""

from __future__ import annotations

from datetime import date

from trialbook_demo.scenario import Condition, Deviation, Dose, Drug, Event, LabFact, Person, Story

AML, ALL, MDS = "Acute myeloid leukemia", "Acute lymphoblastic leukemia", "Myelodysplastic syndrome"
ENTRY = ("SCREENING", "BASELINE")
UNLIKELY, POSSIBLE, PROBABLE = "UNLIKELY RELATED", "POSSIBLY RELATED", "PROBABLY RELATED"
PROPHYLAXIS = "ANTI-INFECTIVE PROPHYLAXIS"
GVHD = "Acute graft versus host disease"
# The person who failed the first screening (F04) and was treated under a second number (T11).
TWICE_SCREENED = Person(date(1970, 2, 17), "M", 66.0, 169.0, AML)

# fmt: off
LEVEL_1 = (
    Story(
        "T01", date(2024, 12, 10), -6, "DL1", Person(date(1979, 5, 14), "M", 68.0, 172.0, AML),
        baseline=(2, 0, 1, 1), course={28: (0, 0, 0, 0)}, doses=(Dose(0, 1.0), Dose(7, 1.02)),
        labs=(LabFact("HBSAG", ("SCREENING",), "POSITIVE"), LabFact("HBVDNA", ("SCREENING",), "<20")),
        drugs=(Drug("Entecavir", PROPHYLAXIS, -50, None, "0.5"),
               Drug("Ganciclovir", "ANTI-INFECTIVE", 15, 29, "340", route="INTRAVENOUS")),
        events=(
            Event("Tooth fracture", -3, 1, end=-1, action="NOT APPLICABLE"),
            Event("CMV reactivation", 15, 2, end=29, related=UNLIKELY),
            Event("Lung infection", 19, 3, end=33, serious="AESHOSP", dlt="N"),
            Event("Headache", 24, 1, end=27, partial=True),
        ),
    ),
    Story(
        "T02", date(2024, 12, 27), -6, "DL1", Person(date(1972, 9, 2), "F", 57.0, 160.0, MDS),
        baseline=(3, 0, 0, 1), course={28: (1, 0, 0, 0), 100: (0, 0, 0, 0)}, worsened_on_steroids=True,
        doses=(Dose(0, 0.98), Dose(7, 2.02)),
        deviations=(Deviation(8, "DOSE", "MAJOR", "Second infusion given at dose level 2"),),
        drugs=(Drug("Valaciclovir", PROPHYLAXIS, -40, None, "500", entered_twice=(5, 110)),
               Drug("Potassium chloride", "OTHER", 6, 12, "3000"),
               Drug("Amlodipine", "OTHER", 41, None, "5")),
        events=(
            Event("Hypokalemia", -4, 1, end=5, group="potassium", action="NOT APPLICABLE"),
            Event("Chills", 0, 1, end=0, related=PROBABLE, hour="11:20"),
            Event("Hypokalemia", 6, 3, end=12, group="potassium", dlt="N"),
            Event("EBV reactivation", 33, 1, end=60, related=UNLIKELY),
            Event("Hypertension", 40, 2),
        ),
    ),
    Story(
        "T03", date(2025, 1, 8), -5, "DL1", Person(date(1963, 11, 20), "M", 71.0, 175.0, AML),
        baseline=(3, 2, 0, 4), course={28: (3, 3, 0, 4)}, worsened_on_steroids=True, performance=2,
        doses=(Dose(0, 1.01), Dose(7, 1.0)), death=10, death_cause="ACUTE GVHD",
        events=(
            Event("Anaemia", 3, 3, end=9, dlt="N"),
            Event(GVHD, 4, 4, fatal=True, serious="AESLIFE", dlt="N"),
        ),
    ),
    Story(
        "T04", date(2025, 2, 5), -6, "DL1", Person(date(1986, 7, 8), "M", 74.0, 178.0, ALL),
        baseline=(2, 1, 0, 2), course={28: (1, 0, 0, 1), 56: (0, 0, 0, 1)}, doses=(Dose(0, 1.0), Dose(6, 1.0)),
        relapse=60, death=95, death_cause="RELAPSE OF LEUKEMIA", death_known=(104, 163),
        labs=(LabFact("PLAT", ("DAY 28",), "82", typed=("8", 125)),),
        events=(
            Event("Platelet count decreased", 9, 3, end=20, known_end=62, related=UNLIKELY),
            Event("Fatigue", 12, 2, end=40),
            Event("Leukemia recurrent", 60, 4, fatal=True, serious="AESLIFE"),
        ),
    ),
)
LEVEL_2 = (
    Story(
        "T05", date(2025, 3, 18), -6, "DL2", Person(date(1995, 3, 30), "M", 63.0, 170.0, ALL),
        baseline=(1, 2, 0, 1), course={28: (0, 1, 0, 0), 56: (0, 0, 0, 0)}, worsened_on_steroids=True,
        doses=(Dose(0, 2.02), Dose(7, 1.98)), labs=(LabFact("ALT", ENTRY, times_uln=1.8),),
        events=(
            Event("Anaemia", 5, 3, end=16, at_first={"AETOXGR": "2"}, corrected=30),
            Event("Hyperglycemia", 6, 2, end=26, at_first={"AEREL": ""}, corrected=40),
            Event("Sepsis", 31, 3, end=44, serious="AESHOSP"),
        ),
    ),
    Story(
        "T06", date(2025, 4, 8), -9, "DL2", Person(date(1990, 12, 1), "F", 54.0, 163.0, AML),
        baseline=(2, 0, 0, 2), course={21: (2, 0, 0, 1), 28: (0, 0, 0, 0)}, onset=-18, steroids=-13,
        doses=(Dose(0, 2.0), Dose(8, 2.0)), new_therapy=("Ruxolitinib", 20), lost=70,
        events=(
            Event("BK virus cystitis", 25, 2, end=47),
            Event("Neutrophil count decreased", 29, 3, end=40, related=UNLIKELY, action="NOT APPLICABLE"),
            Event("Creatinine increased", 55, 1),
        ),
    ),
    Story(
        "T07", date(2025, 4, 22), -6, "DL2", Person(date(1977, 10, 11), "F", 60.0, 158.0, AML),
        baseline=(2, 0, 1, 2), course={28: (2, 0, 1, 2), 56: (1, 0, 0, 1), 100: (0, 0, 0, 0)}, performance=2,
        doses=(Dose(0, 1.92), Dose(7, 0.0)), new_therapy=("Ruxolitinib", 30),
        labs=(LabFact("BUN", ("SCREENING",), "17"),),
        deviations=(Deviation(7, "DOSE", "MINOR", "Second infusion withheld after a dose-limiting toxicity"),),
        drugs=(Drug("Hydrocortisone sodium succinate", "TREATMENT OF ADVERSE EVENT", 0, 0, "100",
                    route="INTRAVENOUS"),),
        events=(
            Event("Infusion related reaction", 0, 3, end=2, related="DEFINITELY RELATED", hour="10:50",
                  serious="AESHOSP", action="DRUG WITHDRAWN", dlt="Y"),
            Event("Oral candidiasis", 17, 1, end=26),
        ),
    ),
    Story(
        "T08", date(2025, 5, 27), -6, "DL2", Person(date(1954, 6, 27), "M", 65.0, 168.0, MDS),
        baseline=(3, 0, 0, 0), course={28: (0, 0, 0, 0)}, worsened_on_steroids=True,
        doses=(Dose(0, 2.0), Dose(7, 2.04)), visit_days={28: 33},
        labs=(LabFact("UREA", ENTRY, no_limits=True), LabFact("CREATCLR", ("SCREENING",), "68")),
        conditions=(Condition("Papillary thyroid carcinoma, resected", "OTHER", -4700, -4600),
                    Condition("Hypertension", "OTHER", -2900, None, "2")),
        deviations=(Deviation(33, "VISIT", "MINOR", "Day-28 assessment done on day 33"),),
        events=(
            Event("Pyrexia", 0, 2, end=1, related=POSSIBLE, hour="11:25"),
            Event("Creatinine increased", 13, 1, end=22),
        ),
    ),
    Story(
        "T09", date(2025, 6, 12), -6, "DL2", Person(date(1999, 1, 25), "F", 51.0, 165.0, ALL),
        baseline=(2, 0, 0, 2), course={28: (0, 0, 1, 1), 56: (0, 0, 0, 1), 100: (0, 0, 0, 0)}, visit_days={21: 21},
        investigator={28: "PR"}, doses=(Dose(0, 2.0), Dose(7, 1.96)),
        labs=(LabFact("PLAT", text="61", extra_day=20),), form={"EX16": "Y"},
        drugs=(Drug("Investigational GVHD prophylaxis drug of another clinical trial", "OTHER CLINICAL TRIAL", -100,
                    -84, "20"),),
        deviations=(Deviation(-1, "EX16", "WAIVER", "Waiver of EX16: study drug of another trial 78 days before"),),
        events=(
            Event("Platelet count decreased", 15, 2, end=24),
            Event("Catheter related infection", 15, 3, end=26, serious="AESHOSP", dlt="N"),
            Event("Insomnia", 27, 1, end=50, partial=True),
        ),
    ),
    Story(
        "T10", date(2025, 7, 3), -5, "DL2", Person(date(2021, 6, 24), "F", 16.5, 103.0, ALL),
        baseline=(3, 0, 0, 2), course={28: (0, 0, 0, 0)}, doses=(Dose(0, 2.0), Dose(6, 2.0)), cells=True,
        events=(
            Event("Pyrexia", 6, 1, end=6, related="可能有关", hour="11:25"),
            Event("Upper respiratory infection", 45, 1, end=52),
        ),
    ),
)
LEVEL_3 = (
    Story(
        "T11", date(2025, 8, 14), -6, "DL3", TWICE_SCREENED, hsct=-90, onset=-42, steroids=-40, earlier_self="F04",
        baseline=(2, 0, 0, 2), course={28: (2, 1, 0, 3)}, doses=(Dose(0, 4.04), Dose(7, 3.96)),
        new_therapy=("Ruxolitinib", 30), death=49, death_cause="ACUTE GVHD",
        events=(
            Event("Hypotension", 0, 2, end=0, related=PROBABLE, hour="11:15"),
            Event(GVHD, 27, 3, fatal=True, serious="AESHOSP", dlt="N"),
        ),
    ),
    Story(
        "T12", date(2025, 9, 10), -6, "DL3", Person(date(2012, 4, 6), "F", 44.0, 156.0, ALL),
        baseline=(1, 1, 0, 1), course={28: (0, 0, 0, 0)}, doses=(Dose(0, 4.0), Dose(7, 4.0)), visit_days={21: 21},
        labs=(LabFact("ALT", ENTRY, times_uln=2.3),),
        events=(
            Event("Mucositis oral", 5, 1, end=12),
            Event("ALT increased", 9, 2, end=30, related=UNLIKELY),
        ),
    ),
)
TREATED = (*LEVEL_1, *LEVEL_2, *LEVEL_3)

FAILURES = (
    Story(
        "F01", date(2024, 12, 20), -7, "", Person(date(1984, 8, 19), "M", 62.0, 171.0, AML), (2, 0, 0, 1),
        failed="EX12", labs=(LabFact("HIVAB", ("SCREENING",), "POSITIVE"),),
    ),
    Story(
        "F02", date(2025, 2, 19), -7, "", Person(date(1968, 6, 3), "F", 59.0, 161.0, MDS), (1, 2, 0, 2),
        failed="EX04", form={"EX03": "Y"},
        labs=(LabFact("ALT", ("SCREENING",), times_uln=2.6), LabFact("AST", ("SCREENING",), times_uln=2.2)),
    ),
    Story(
        "F03", date(2025, 5, 13), -7, "", Person(date(2001, 10, 27), "M", 70.0, 181.0, ALL), (2, 0, 0, 0),
        failed="IN05", worsened_on_steroids=True,
    ),
    Story(
        "F04", date(2025, 7, 23), -7, "", TWICE_SCREENED, (2, 0, 0, 2), failed="EX04", hsct=-68, onset=-20,
        steroids=-18, labs=(LabFact("INR", ("SCREENING",), times_uln=1.7),),
    ),
)
# fmt: on
