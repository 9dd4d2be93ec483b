"""What is planted for P01 to P20 (rulebook §9), and what it must leave in the log and the query list."""

from __future__ import annotations

from collections.abc import Callable

from support.export_problems.export import A, B, Export

Plant = Callable[[Export], tuple[str, ...]]


def p01(e: Export) -> tuple[str, ...]:
    """GB18030 and UTF-8 with BOM are read and logged; the text is whole."""
    e.of("ae")["AETERM"] = "发热"
    e.encoding |= {"ae": "gb18030", "ex": "utf-8-sig"}
    e.fixes += [("ae.csv", 0, "", "gb18030", "utf-8", "P01-ENCODING"),
                ("ex.csv", 0, "", "utf-8-sig", "utf-8", "P01-ENCODING")]  # fmt: skip
    # Most of the foreign text of the file is sound, so one garbled term is a question, not the end.
    e.add("mh", MHTERM="高血压").add("mh", MHTERM="糖尿病").add("mh", MHTERM="鍙戠儹")
    e.ask("P01-GARBLED-TEXT", "mh", "MHSEQ=3")
    return ("cleaning",)


def p02(e: Export) -> tuple[str, ...]:
    """Full-width, no-break and odd white space in codes and numbers; free text keeps its own letters."""
    lab, event = e.of("lb", LBTESTCD="HGB"), e.of("ae")
    e.fix("lb", lab, "LBORRES", "９５．０", "95.0", "P02-CHARACTERS")
    e.fix("ae", event, "AETOXGR", "\u00a01 ", "1", "P02-CHARACTERS")
    e.fix("ae", event, "AETERM", "Pyrexia\n", "Pyrexia", "P02-CHARACTERS")
    e.of("ae", B)["AETERM"] = "发热（３８℃）"
    return ("cleaning",)


def p03(e: Export) -> tuple[str, ...]:
    """Day numbers of a spreadsheet within five years after the cut are dates; others are asked."""
    event, other = e.of("ae"), e.of("ae", B)
    e.fix("ae", event, "AESTDTC", "45669", "2025-01-12", "P03-EXCEL-DATE")
    e.fix("ae", event, "AEENDTC", "45671.5", "2025-01-14T12:00", "P03-EXCEL-DATE")
    e.fix("ae", other, "AEENDTC", "59999", "", "P03-EXCEL-DATE-UNSURE")
    e.ask("P03-EXCEL-DATE-UNSURE", "ae", "AESEQ=1", B)
    lab = e.of("lb", LBTESTCD="HGB")
    e.fix("lb", lab, "LBORRES", "#REF!", "", "P03-EXCEL-ERROR").ask("P03-EXCEL-ERROR", "lb", f"LBSEQ={lab['LBSEQ']}")
    return ("cleaning",)


def p04(e: Export) -> tuple[str, ...]:
    """A date that can be read in one way is written as ISO; one that can be two is missing and asked."""
    event, visit = e.of("ae"), e.of("sv", VISIT="DAY 28")
    e.fix("ae", event, "AESTDTC", "12-Jan-25", "2025-01-12", "P04-DATE-FORMAT")
    e.fix("ae", event, "AEENDTC", "2025年1月14日", "2025-01-14", "P04-DATE-FORMAT")
    e.fix("sv", visit, "SVSTDTC", "2025.2.7", "2025-02-07", "P04-DATE-FORMAT")
    e.fix("sv", e.of("sv", B, VISIT="DAY 28"), "SVSTDTC", "25/03/2025", "2025-03-25", "P04-DATE-FORMAT")
    history = e.add("mh", MHTERM="Asthma", MHSTDTC="").rows["mh"][-1]
    e.fix("mh", history, "MHSTDTC", "03/05/24", "", "P04-DATE-AMBIGUOUS").ask("P04-DATE-AMBIGUOUS", "mh", "MHSEQ=1")
    second = e.add("mh", MHTERM="Eczema", MHSTDTC="").rows["mh"][-1]
    e.fix("mh", second, "MHSTDTC", "2023-02-29", "", "P04-DATE-UNREADABLE").ask("P04-DATE-UNREADABLE", "mh", "MHSEQ=2")
    e.add("mh", MHTERM="Gout", MHSTDTC="2024-02-29")
    return ("cleaning",)


def p05(e: Export) -> tuple[str, ...]:
    """Unknown parts are left out; consent, birth and death are never imputed but asked."""
    history = e.add("mh", MHTERM="Asthma").rows["mh"][-1]
    e.fix("mh", history, "MHSTDTC", "2024-UN-UN", "2024", "P05-PARTIAL-DATE")
    second = e.add("mh", MHTERM="Eczema").rows["mh"][-1]
    e.fix("mh", second, "MHSTDTC", "2024-03-UK", "2024-03", "P05-PARTIAL-DATE")
    e.add("mh", MHTERM="Gout", MHSTDTC="2024-05")
    e.of("dm")["BRTHDTC"] = "1984-05"
    e.ask("P05-DM-BIRTH-DATE", "dm")
    return "cleaning", "subjects"


def p06(e: Export) -> tuple[str, ...]:
    """An age other than the completed years at consent is asked; the computed one is used."""
    e.of("dm")["AGE"] = "41"  # 40 at consent on 2025-01-03, born 1984-05-06
    e.ask("P06-DM-AGE-DIFFERS", "dm")
    person = e.of("dm", B)
    person["BRTHDTC"] = "2025-01-04"
    e.ask("P06-DM-BIRTH-AFTER-CONSENT", "dm", subject=B)
    return "cleaning", "subjects"


def p07(e: Export) -> tuple[str, ...]:
    """71 on the day of consent fails and is asked; 70 on the last day before does not. Nobody leaves the trial."""
    e.of("dm").update(BRTHDTC="1954-01-03", AGE="71")
    e.of("dm", B).update(BRTHDTC="1954-01-04", AGE="70")
    e.ask("P33-IE-CONFLICT", "ie", "CRITCD=IN02")
    return "cleaning", "subjects", "eligibility"


def p08(e: Export) -> tuple[str, ...]:
    """The birth date and sex of an earlier subject; another sex or day is another person."""
    e.of("dm", B).update(BRTHDTC="1984-05-06", AGE="40")
    e.ask("P08-SAME-PERSON", "dm", subject=B)
    return ("cleaning",)


def p09(e: Export) -> tuple[str, ...]:
    """Zeros that a spreadsheet dropped come back; a number as in DM stays."""
    e.fix("ae", e.of("ae"), "USUBJID", "iMSC-1", "iMSC-001", "P09-LEADING-ZEROS")
    e.fix("cm", e.of("cm", B), "USUBJID", "IMSC-02", "iMSC-002", "P09-LEADING-ZEROS")
    return ("cleaning",)


def p10(e: Export) -> tuple[str, ...]:
    """A second infusion in the band of another level; one within 10% of the first level is the first level."""
    e.of("ex", EXSEQ="2")["EXDOSE"] = "2"
    e.ask("P10-EX-LEVEL-CHANGED", "ex", "EXSEQ=2")
    e.of("ex", B, EXSEQ="2")["EXDOSE"] = "1.1"
    return "cleaning", "subjects"


def p11(e: Export) -> tuple[str, ...]:
    """Before consent, end before start, no time, one record twice; consent on the day of infusion is in order."""
    e.of("dm")["RFICDTC"] = "2025-01-11"
    e.ask("P11-EX-BEFORE-CONSENT", "ex", "EXSEQ=1")
    e.of("dm", B)["RFICDTC"] = "2025-01-10"
    first, second = e.of("ex", EXSEQ="1"), e.of("ex", EXSEQ="2")
    first["EXENDTC"] = "2025-01-10T09:59"
    e.ask("P11-EX-END-BEFORE-START", "ex", "EXSEQ=1")
    second["EXSTDTC"] = "2025-01-17"
    e.ask("P11-EX-NO-TIME", "ex", "EXSEQ=2")
    e.of("ex", B, EXSEQ="2").update({k: v for k, v in e.of("ex", B, EXSEQ="1").items() if k != "EXSEQ"})
    e.ask("P11-EX-SAME-DAY", "ex", "EXSEQ=2", B)
    return ("cleaning",)


def p12(e: Export) -> tuple[str, ...]:
    """Cells per kg become 10^6 cells per kg; a dose of no level, or none, is asked."""
    first, second = e.of("ex", EXSEQ="1"), e.of("ex", EXSEQ="2")
    e.fix("ex", first, "EXDOSE", "1000000", "1", "P12-DOSE-UNIT")
    e.fix("ex", first, "EXDOSU", "cells/kg", "10^6 cells/kg", "P12-DOSE-UNIT")
    second["EXDOSE"] = "7"
    e.ask("P12-EX-DOSE-NO-LEVEL", "ex", "EXSEQ=2")
    e.of("ex", B, EXSEQ="2")["EXDOSE"] = ""
    e.ask("P12-EX-DOSE-MISSING", "ex", "EXSEQ=2", B)
    return "cleaning", "subjects"


def p13(e: Export) -> tuple[str, ...]:
    """A result that moves by a unit's factor is one question, though it moves back; within 2% only."""
    for subject, value in ((A, "9.5"), (B, "9.2")):
        records = [row for row in e.rows["lb"] if row["USUBJID"] == subject and row["LBTESTCD"] == "HGB"]
        records[1].update(LBORRES=value)  # 95 g/L before and after: 9.5 is g/dL under the unit of g/L
        if subject == A:
            e.ask("P13-LB-UNIT-JUMP", "lb", f"LBSEQ={records[1]['LBSEQ']}")
        else:
            e.ask("P27-OUT-OF-RANGE", "lb", f"LBSEQ={records[1]['LBSEQ']}", B)
    alt = e.of("lb", LBDTC="2025-01-17", LBTESTCD="ALT")
    alt["LBORRESU"] = "stone"
    e.fix("lb", e.of("lb", B, LBTESTCD="HGB"), "LBORRESU", "G/l", "g/L", "U01-UNIT")
    e.ask("P13-UNIT-UNKNOWN", "lb", f"LBSEQ={alt['LBSEQ']}")
    return ("cleaning",)


def p14(e: Export) -> tuple[str, ...]:
    """Bounds and words in one spelling; what is no number in a measured test is asked."""
    alt = [row for row in e.rows["lb"] if row["USUBJID"] == A and row["LBTESTCD"] == "ALT"]
    e.fix("lb", alt[1], "LBORRES", "小于5", "<5", "P14-RESULT-WORDS")
    e.fix("lb", e.of("lb", LBTESTCD="HIVAB"), "LBORRES", "阴性", "NEGATIVE", "P14-RESULT-WORDS")
    for record, text in ((alt[2], "见备注"), (alt[3], "++")):
        record["LBORRES"] = text
        e.ask("P14-NOT-A-NUMBER", "lb", f"LBSEQ={record['LBSEQ']}")
    e.of("lb", B, LBTESTCD="ALT", LBDTC="2025-01-10")["LBORRES"] = ">300"
    return ("cleaning",)


def p15(e: Export) -> tuple[str, ...]:
    """A missing upper limit after the infusion, and one that changes by more than 2%, once per subject and test."""
    for subject, values in ((A, ("40", "", "")), (B, ("40", "40.8", "41"))):
        records = [r for r in e.rows["lb"] if r["USUBJID"] == subject and r["LBTESTCD"] == "ALT" and r["LBORNRLO"]]
        for record, limit in zip(records, values, strict=True):
            record["LBORNRHI"] = limit
    e.ask("P15-LIMIT-MISSING", "lb", "LBTESTCD=ALT").ask("P15-LIMIT-CHANGED", "lb", "LBTESTCD=ALT", B)
    return ("cleaning",)


def p16(e: Export) -> tuple[str, ...]:
    """The same result twice is counted once; two results at one time are both kept and asked."""
    alt = e.of("lb", LBTESTCD="ALT", LBDTC="2025-01-17")
    copy = {**alt, "LBSEQ": "51"}
    e.rows["lb"].append(copy)
    e.log("lb", copy, "", "(record)", "", "P16-DUPLICATE")
    e.rows["lb"].append({**alt, "LBSEQ": "52", "LBORRES": "33"})
    e.ask("P16-LB-REPEATED", "lb", "LBSEQ=52")
    e.rows["lb"].append({**alt, "LBSEQ": "53", "LBORRES": "34", "LBDTC": "2025-01-17T23:00"})
    return ("cleaning",)


def p17(e: Export) -> tuple[str, ...]:
    """Dated a day after the visit, or at another visit; two days later, or unscheduled, is no question."""

    def dated(subject: str, visit: str, date: str) -> None:
        for record in e.rows["lb"]:
            if record["USUBJID"] == subject and record["VISIT"] == visit:
                record["LBDTC"] = date

    dated(A, "DAY 7", "2025-01-18")
    e.ask("P17-LB-RESULT-DATE", "lb", "VISIT=DAY 7 2025-01-18")
    dated(A, "DAY 14", "2025-02-06")
    e.ask("P17-LB-OTHER-VISIT", "lb", "VISIT=DAY 14 2025-02-06")
    dated(B, "DAY 7", "2025-01-19")
    e.add("lb", LBTESTCD="HGB", LBORRES="95", LBORRESU="g/L", LBORNRHI="175", LBDTC="2025-01-21", VISIT="UNSCHEDULED")
    return ("cleaning",)


def p18(e: Export) -> tuple[str, ...]:
    """An event before the infusion that the site calls emergent, and one after it that it does not."""
    for row in e.rows["ae"]:
        row["AETRTEM"] = ""
    before = e.add("ae", AETERM="Nausea", AEDECOD="Nausea", AEBODSYS="Gastrointestinal disorders", AETOXGR="1",
                   AESER="N", AEREL="NOT RELATED", AEOUT="RECOVERED/RESOLVED", AESTDTC="2025-01-08",
                   AEENDTC="2025-01-09", AETRTEM="Y")  # fmt: skip
    e.of("ae", B)["AETRTEM"] = "N"
    before.of("ae")["AETRTEM"] = "Y"
    e.ask("P18-AE-EMERGENCE-DIFFERS", "ae", "AESEQ=2").ask("P18-AE-EMERGENCE-DIFFERS", "ae", "AESEQ=1", B)
    return "cleaning", "safety"


def p19(e: Export) -> tuple[str, ...]:
    """End before start, after death, ongoing at death; an end on the day of the start or of death is in order."""
    e.of("ae")["AEENDTC"] = "2025-01-11"
    e.ask("P19-AE-END-BEFORE-START", "ae", "AESEQ=1")
    e.of("dm", B).update(DTHDTC="2025-03-01", DTHFL="Y")
    more = dict(AEDECOD="Rash", AEBODSYS="Skin", AETOXGR="1", AESER="N", AEREL="NOT RELATED", AETERM="Rash")
    e.add("ae", B, **more, AEOUT="RECOVERED/RESOLVED", AESTDTC="2025-02-01", AEENDTC="2025-03-02")
    e.ask("P19-AE-END-AFTER-DEATH", "ae", "AESEQ=2", B)
    e.add("ae", B, **more, AEOUT="NOT RECOVERED/NOT RESOLVED", AESTDTC="2025-02-10", AEENRTPT="ONGOING")
    e.ask("P19-AE-ONGOING-AT-DEATH", "ae", "AESEQ=3", B)
    e.add("ae", B, **more, AEOUT="RECOVERED/RESOLVED", AESTDTC="2025-02-20", AEENDTC="2025-03-01")
    return ("cleaning",)


def p20(e: Export) -> tuple[str, ...]:
    """Ongoing with an end, resolved without one; resolved with an end and ongoing without are in order."""
    e.of("ae")["AEENRTPT"] = "ONGOING"
    e.ask("P20-AE-ONGOING-WITH-END", "ae", "AESEQ=1")
    more = dict(AEBODSYS="Skin", AETOXGR="1", AESER="N", AEREL="NOT RELATED", AESTDTC="2025-02-01")
    e.add("ae", **more, AETERM="Rash", AEDECOD="Rash", AEOUT="RECOVERED/RESOLVED")
    e.ask("P20-AE-RESOLVED-NO-END", "ae", "AESEQ=2")
    e.add("ae", **more, AETERM="Itch", AEDECOD="Itch", AEOUT="NOT RECOVERED/NOT RESOLVED", AEENRTPT="ONGOING")
    return ("cleaning",)


PLANTS: dict[str, Plant] = {
    f"P{k:02d}": plant
    for k, plant in enumerate(
        (p01, p02, p03, p04, p05, p06, p07, p08, p09, p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p20), 1
    )
}
