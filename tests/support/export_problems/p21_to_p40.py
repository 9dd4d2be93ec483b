"""What is planted for P21 to P40 (rulebook §9), and what it must leave in the log and the query list."""

from __future__ import annotations

from collections.abc import Callable

from support.export_problems.export import A, B, Export

Plant = Callable[[Export], tuple[str, ...]]
EVENT = dict(AETERM="Rash", AEDECOD="Rash", AEBODSYS="Skin", AETOXGR="1", AESER="N", AEREL="NOT RELATED",
             AEOUT="RECOVERED/RESOLVED", AESTDTC="2025-02-01", AEENDTC="2025-02-03")  # fmt: skip


def p21(e: Export) -> tuple[str, ...]:
    """Roman and Chinese numerals are grades; of a range the higher one holds and is asked; words are missing."""
    event = e.of("ae")
    e.fix("ae", event, "AETOXGR", "II", "2", "P21-GRADE")
    e.fix("ae", e.of("ae", B), "AETOXGR", "3级", "3", "P21-GRADE")
    e.add("ae", **{**EVENT, "AETOXGR": ""})
    e.fix("ae", e.rows["ae"][-1], "AETOXGR", "2-3", "3", "P21-GRADE-RANGE").ask("P21-GRADE-RANGE", "ae", "AESEQ=2")
    e.add("ae", **{**EVENT, "AEDECOD": "Itch", "AETERM": "Itch"})
    e.fix("ae", e.rows["ae"][-1], "AETOXGR", "mild", "", "P21-GRADE-UNREADABLE")
    e.ask("P21-GRADE-UNREADABLE", "ae", "AESEQ=3")
    return "cleaning", "safety"


def p22(e: Export) -> tuple[str, ...]:
    """A grade 5 that DM and DS do not know; a death with one date in all sources is no question."""
    e.add("ae", **{**EVENT, "AETOXGR": "5", "AESER": "Y", "AESDTH": "Y", "AEOUT": "FATAL", "AEENDTC": e.day(-5)})
    e.ask("P22-DEATH-SOURCE-MISSING", "dm").ask("P22-DEATH-SOURCE-MISSING", "ds")
    e.of("dm", B).update(DTHFL="Y", DTHDTC=e.day(-4))
    e.add("ds", B, DSDECOD="DEATH", DSSTDTC=e.day(-5))
    e.add("ae", B, **{**EVENT, "AETOXGR": "5", "AESER": "Y", "AESDTH": "Y", "AEOUT": "FATAL", "AEENDTC": e.day(-4)})
    e.ask("P22-DEATH-DATES-DIFFER", "dm", subject=B)
    return "cleaning", "survival"


def p23(e: Export) -> tuple[str, ...]:
    """Relationship and seriousness missing, and a criterion without seriousness."""
    e.of("ae").update(AEREL="", AESER="")
    e.ask("P23-AE-RELATION-MISSING", "ae", "AESEQ=1").ask("P23-AE-SERIOUS-MISSING", "ae", "AESEQ=1")
    e.of("ae", B)["AESHOSP"] = "Y"
    e.ask("P23-AE-SERIOUS-CRITERION", "ae", "AESEQ=1", B)
    e.add("ae", **EVENT, AESHOSP="N")
    return "cleaning", "safety"


def p24(e: Export) -> tuple[str, ...]:
    """The same term within a day and overlapping; two days later, or a grade change of one episode, is another line."""
    first = e.of("ae")  # 12 to 14 January
    e.add("ae", **{**first, "AESEQ": "2", "AESPID": "F9", "AETERM": "发热", "AESTDTC": "2025-01-13"})
    e.ask("P24-AE-NEAR-DUPLICATE", "ae", "AESEQ=2")
    second = e.of("ae", B)
    e.add("ae", B, **{**second, "AESEQ": "2", "AETOXGR": "2", "AESTDTC": "2025-01-13"})
    e.add("cm", **{**e.of("cm"), "CMSEQ": "2"})
    e.ask("P24-REPEATED-RECORD", "cm", "CMSEQ=2")
    return ("cleaning",)


def p25(e: Export) -> tuple[str, ...]:
    """A visit after death leaves the survival time open; one on the day of death does not."""
    for subject, died in ((A, e.day(-11)), (B, e.day(-10))):
        e.of("dm", subject).update(DTHFL="Y", DTHDTC=died)
        e.add("ds", subject, DSDECOD="DEATH", DSSTDTC=died)
        e.add("ae", subject, **{**EVENT, "AETOXGR": "5", "AESER": "Y", "AESDTH": "Y", "AEOUT": "FATAL",
                                "AEENDTC": died})  # fmt: skip
    e.ask("P25-RECORD-AFTER-DEATH", "ss")
    return "cleaning", "survival"


def p26(e: Export) -> tuple[str, ...]:
    """The day of the cut stays, the next day goes; a year beyond it is a slip of the pen and asked."""
    e.add("mh", MHTERM="Asthma", MHSTDTC=e.day(0))
    e.add("mh", MHTERM="Eczema", MHSTDTC=e.day(1))
    e.log("mh", e.rows["mh"][-1], "", "(record)", "", "P26-AFTER-CUT")
    e.add("mh", MHTERM="Gout", MHSTDTC=e.day(366))
    e.log("mh", e.rows["mh"][-1], "", "(record)", "", "P26-AFTER-CUT")
    e.add("mh", MHTERM="Fracture", MHSTDTC=e.day(367))
    e.log("mh", e.rows["mh"][-1], "", "(record)", "", "P26-AFTER-CUT").ask("P26-FUTURE-DATE", "mh", "MHSEQ=4")
    drug = e.of("cm", B)
    drug["CMENDTC"] = e.day(1)
    e.log("cm", drug, "CMENDTC", e.day(1), "", "P26-AFTER-CUT")
    e.log("cm", drug, "CMENRTPT", drug["CMENRTPT"], "ONGOING", "P26-AFTER-CUT")
    return ("cleaning",)


def p27(e: Export) -> tuple[str, ...]:
    """Stages and shares off their scale; litres become millilitres; a missing organ leaves the response open."""
    stage = e.of("rs", RSTESTCD="UGISTG", RSDTC="2025-01-04")
    stage["RSORRES"] = "2"
    e.ask("P27-RS-STAGE-RANGE", "rs", f"RSSEQ={stage['RSSEQ']}")
    gut = dict(FAOBJ="ACUTE GVHD", FATESTCD="STOOLVOL", FADTC="2025-02-20")
    e.add("fa", **gut)
    record = e.rows["fa"][-1]
    e.fix("fa", record, "FAORRES", "1.5", "1500", "P27-STOOL-UNIT").fix("fa", record, "FAORRESU", "L/d", "L/day",
          "U01-UNIT", ("mL/day", "P27-STOOL-UNIT"))  # fmt: skip
    skin = dict(FAOBJ="ACUTE GVHD", FATESTCD="RASHBSA", FAORRESU="%", FADTC="2025-03-20")
    e.add("fa", **skin, FAORRES="100").add("fa", **{**skin, "FADTC": "2025-03-21"}, FAORRES="101")
    e.ask("P27-FA-PERCENT", "fa", "FASEQ=3")
    e.rows["rs"] = [
        r for r in e.rows["rs"] if (r["USUBJID"], r["RSTESTCD"], r["RSDTC"]) != (B, "SKINSTG", "2025-02-07")
    ]
    e.ask("P27-RS-ORGAN-MISSING", "rs", subject=B)
    return "cleaning", "response"


def p28(e: Export) -> tuple[str, ...]:
    """The investigator's PR where the organs give CR is asked; the same answer is not."""
    for subject, said in ((A, "PR"), (B, "CR")):
        e.add("rs", subject, RSCAT="MAGIC", RSTESTCD="OVRLRESP", RSORRES=said, RSDTC="2025-02-07")
    e.ask("P28-RS-RESPONSE-DIFFERS", "rs", "2025-02-07")
    return "cleaning", "response"


def p29(e: Export) -> tuple[str, ...]:
    """Day 33 is outside the window; two visits inside are asked too; one on its last day is not."""
    for record in e.rows["rs"]:
        if record["RSDTC"] == "2025-02-07":
            record["RSDTC"] = "2025-02-12" if record["USUBJID"] == A else "2025-02-10"
    e.ask("P29-RS-DAY28-OUTSIDE", "rs")
    return "cleaning", "response"


def p30(e: Export) -> tuple[str, ...]:
    """A start known to the month of day 28 may be new therapy and is asked; a complete one is not."""
    drug = dict(CMTRT="Ruxolitinib", CMDECOD="RUXOLITINIB", CMDOSE="10", CMDOSU="mg", CMROUTE="ORAL")
    e.add("cm", **drug, CMSTDTC="2025-02").ask("P30-CM-PARTIAL-START", "cm", "CMSEQ=2")
    e.add("cm", B, **drug, CMSTDTC="2025-02-05")
    return "cleaning", "response"


def p31(e: Export) -> tuple[str, ...]:
    """Combined entries, drugs of no list, near names, steroids without dose; not a solvent, not what ended before."""

    def drug(name: str, start: str, coded: str = "", subject: str = A, **more: str) -> None:
        e.add("cm", subject, CMTRT=name, CMDECOD=coded, CMSTDTC=start, **{"CMDOSE": "40", "CMDOSU": "mg", **more})

    drug("甲泼尼龙40mg bid + 芦可替尼", "2025-05-01")
    e.ask("P31-CM-COMBINED", "cm", "CMSEQ=2")
    drug("Compound X", "2025-05-01", CMCAT="GVHD THERAPY")
    e.ask("P31-CM-GVHD-UNLISTED", "cm", "CMSEQ=3")
    drug("益生菌", "2025-05-01")
    e.ask("P31-CM-UNCODED", "cm", "CMSEQ=4")
    drug("Prednisone", "2025-05-01", "PREDNISONE", CMDOSE="")
    e.ask("P31-CM-STEROID-DOSE", "cm", "CMSEQ=5")
    drug("Methylprednisolone + 0.9% saline", "2025-05-01", "METHYLPREDNISOLONE", B)
    drug("Compound X", "2025-05-01", "COMPOUND X", B, CMCAT="GVHD PROPHYLAXIS")
    e.ask("P31-CM-UNCLASSIFIED", "cm", "CMSEQ=3", B)
    drug("ruxolitinb", "2025-05-01", "RUXOLITINB")
    e.ask("P31-CM-NEAR-NAME", "cm", "CMSEQ=6")
    drug("Rituximab", "2025-05-01", "RITUXIMAB")
    e.ask("P31-CM-PURPOSE", "cm", "CMSEQ=7")
    drug("益生菌", "2024-05-01", "", B, CMENDTC="2025-01-09")
    drug("Prednisone", "2024-05-01", "PREDNISONE", B, CMDOSE="", CMENDTC="2025-01-09")
    return "cleaning", "response"


def p32(e: Export) -> tuple[str, ...]:
    """Jin become kilograms; more than a fifth from one weight to the next is asked once; 8 days are too long ago."""
    weights = [row for row in e.rows["vs"] if row["USUBJID"] == A and row["VSTESTCD"] == "WEIGHT"]
    e.fix("vs", weights[0], "VSORRES", "120", "60", "P32-WEIGHT-UNIT")
    e.fix("vs", weights[0], "VSORRESU", "斤", "jin", "U01-UNIT", ("kg", "P32-WEIGHT-UNIT"))
    weights[2]["VSORRES"] = "73"
    e.ask("P32-WEIGHT-JUMP", "vs", f"VSSEQ={weights[2]['VSSEQ']}")
    other = [row for row in e.rows["vs"] if row["USUBJID"] == B and row["VSTESTCD"] == "WEIGHT"]
    measured = (("2025-01-03", "60"), ("2025-01-03", "60"), ("2025-01-20", "72"), ("2025-01-24", "60"))
    for record, (date, kg) in zip(other, measured, strict=True):
        record.update(VSDTC=date, VSORRES=kg)
    other[1]["VSDTC"] = "2025-01-02"
    e.ask("P32-WEIGHT-MISSING", "ex", "EXSEQ=2", B)
    return ("cleaning",)


def p33(e: Export) -> tuple[str, ...]:
    """The form says that the criterion is met and the data do not; at the limit itself they agree."""
    for subject, value in ((A, "81"), (B, "80")):  # twice the upper limit of 40
        record = e.of("lb", subject, LBTESTCD="ALT", LBDTC="2025-01-08")
        record["LBORRES"] = value
    e.ask("P33-IE-CONFLICT", "ie", "CRITCD=EX04A")
    return "cleaning", "eligibility"


def p34(e: Export) -> tuple[str, ...]:
    """Codes of a list in other words; unknown codes, a missing domain, a number twice, a record of nobody."""
    e.fix("ae", e.of("ae"), "AEOUT", "痊愈", "RECOVERED/RESOLVED", "P34-CODE")
    e.of("ae", B)["AEOUT"] = "GONE AWAY"
    e.ask("P34-CODE-UNKNOWN", "ae", "AESEQ=1", B)
    e.left_out.add("mh")
    e.ask("P34-DOMAIN-MISSING", "mh", subject="")
    vs = e.rows["vs"]
    vs.append({**vs[0], "VSORRES": "59", "VSDTC": "2025-03-01"})
    e.ask("P34-SEQ-REPEATED", "vs", f"VSSEQ={vs[0]['VSSEQ']}")
    e.add("sv", "", VISIT="DAY 56", SVSTDTC="2025-03-07")
    e.log("sv", e.rows["sv"][-1], "", "(record)", "", "P34-NO-SUBJECT")
    e.ask("P34-NO-SUBJECT", "sv", f"row {len(e.rows['sv']) + 1}", "")
    for row in e.rows["ae"]:
        row["AENEW"] = "left out"
    e.fixes.append(("ae.csv", 0, "", "(column AENEW)", "", "P34-COLUMN-LEFT-OUT"))
    return ("cleaning",)


def p37(e: Export) -> tuple[str, ...]:
    """Telephone and identity numbers go before anything is logged; a number of ten digits is none."""
    event = e.of("ae")
    event["AETERM"] = "发热 13812345678"
    e.log("ae", event, "AETERM", "(withheld)", "发热 [redacted]", "P37-REDACTED").ask(
        "P37-PERSONAL-DATA", "ae", "AESEQ=1"
    )
    e.of("ae", B)["AETERM"] = "batch 1381234567"
    return ("cleaning",)


def p38(e: Export) -> tuple[str, ...]:
    """Yes and no in other words; a blank stays missing and is never no; what is neither is asked."""
    event = e.of("ae")
    e.fix("ae", event, "AESER", "否", "N", "P38-YES-NO").fix("ae", event, "AESDTH", "×", "N", "P38-YES-NO")
    e.fix("ae", e.of("ae", B), "AESER", "0", "N", "P38-YES-NO")
    e.of("ae", B)["AESHOSP"] = ""
    e.of("ae", B)["AESDISAB"] = "N"
    answer = e.of("ie", IETESTCD="IN03")
    e.fix("ie", answer, "IEORRES", "是", "Y", "P38-YES-NO")
    e.fix("ie", e.of("ie", B, IETESTCD="IN03"), "IEORRES", "perhaps", "", "P38-YES-NO-UNKNOWN")
    e.ask("P38-YES-NO-UNKNOWN", "ie", "IETESTCD=IN03", B)
    return ("cleaning",)


def p39(e: Export) -> tuple[str, ...]:
    """24:00 is the next day's first minute; the afternoon has its hours; another time zone is asked."""
    event, other = e.of("ae"), e.of("ae", B)
    e.fix("ae", event, "AESTDTC", "2025-01-12T24:00", "2025-01-13T00:00", "P39-CLOCK")
    e.fix("ae", event, "AEENDTC", "2025-01-14 下午2:30", "2025-01-14T14:30", "P39-CLOCK")
    e.fix("ae", other, "AESTDTC", "2025-01-12T25:10", "2025-01-12", "P39-TIME-UNREADABLE")
    e.ask("P39-TIME-UNREADABLE", "ae", "AESEQ=1", B)
    history = e.add("mh", MHTERM="Asthma").rows["mh"][-1]
    e.fix("mh", history, "MHSTDTC", "2025-01-01T10:00Z", "", "P39-TIME-ZONE").ask("P39-TIME-ZONE", "mh", "MHSEQ=1")
    e.add("mh", MHTERM="Gout", MHSTDTC="2025-01-01T23:59")
    return ("cleaning",)


def p40(e: Export) -> tuple[str, ...]:
    """Decimal commas and units beside the number; a comma that may be either, and two units, are asked."""
    hgb = [row for row in e.rows["lb"] if row["USUBJID"] == A and row["LBTESTCD"] == "HGB"]
    e.fix("lb", hgb[0], "LBORRES", "95,5", "95.5", "P40-NUMBER")
    hgb[1]["LBORRESU"] = ""
    e.log("lb", hgb[1], "LBORRESU", "", "g/L", "P40-NUMBER").fix("lb", hgb[1], "LBORRES", "96 g/L", "96", "P40-NUMBER")
    hgb[2]["LBORRES"] = "9.6 g/dL"
    e.ask("P40-UNIT-CONFLICT", "lb", f"LBSEQ={hgb[2]['LBSEQ']}")
    dose = e.of("cm", B)
    e.fix("cm", dose, "CMDOSE", "1,200", "1200", "P40-NUMBER").ask("P40-COMMA-UNSURE", "cm", "CMSEQ=1", B)
    e.fix("cm", e.of("cm"), "CMDOSE", "about 3", "", "P40-NOT-A-NUMBER").ask("P40-NOT-A-NUMBER", "cm", "CMSEQ=1")
    e.of("lb", B, LBTESTCD="HGB")["LBORRES"] = "95.5"
    return ("cleaning",)


PLANTS: dict[str, Plant] = {plant.__name__.upper(): plant for plant in (
    p21, p22, p23, p24, p25, p26, p27, p28, p29, p30, p31, p32, p33, p34, p37, p38, p39, p40,
)}  # fmt: skip
