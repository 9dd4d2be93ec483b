"""Canaries: invented personal data in every ordinary spelling, where they are planted, and the search for them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import random
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

CITIES = ("合肥市庐阳区", "合肥市包河区", "芜湖市镜湖区")
ROADS = ("庐江路", "长江中路", "望江西路", "Lujiang", "Changjiang")
SURNAMES = ("Zhang", "Wang", "Zhao", "Sun", "Qian")
# A name alone in a declared free text cannot be told from a word: names are planted in columns that are not declared.
UNDECLARED = {
    "PTNAME": "Quexing {n}", "PATINIT": "QX{n}", "HOMEADDR": "Nowhere Hill {n}", "DOB": "19{yy}-0{m}-1{d}",
    "PHONENO2": "0551-6{n8}", "E_MAIL": "quexing{n}@example.org", "IDCARD": "{id}", "INVNAM": "Bianma Que {n}",
    "姓名": "阙星{n}", "家属电话": "139{n8}", "SSN": "{id}", "NEXTOFKIN": "Que Lao {n}", "WECHATID": "quexing_{n}",
    "INSURNO": "YB{n8}", "CONTACT": "Que Da, 138{n8}",
}  # fmt: skip
# Free and coded variables of the demo that take a text without changing what a build is made for.
TEXTS = {
    "ae": ["AETERM"], "cm": ["CMTRT"], "mh": ["MHTERM"], "pr": ["PRTRT"], "ds": ["DSTERM"], "dv": ["DVTERM"],
    "ce": ["CETERM"], "su": ["SUTRT"], "sv": ["VISIT"],
}  # fmt: skip
ADDED_TEXTS = {"lb": "LBCOM", "vs": "VSCOM", "rs": "RSCOM", "qs": "QSCOM", "ie": "IECOM", "fa": "FACOM", "mb": "MBCOM"}


class Tokens:
    """Draws tokens; every one holds digits or a name that occurs nowhere else."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - the same tokens on every run
        self.drawn: list[str] = []

    def values(self) -> dict[str, str]:
        """Parts of a token: numbers of several lengths, an identity number, a date."""
        d = self._draw
        day = f"19{d.randint(40, 99)}{d.randint(1, 12):02}{d.randint(1, 28):02}"
        n8 = f"{d.randint(10_000_000, 99_999_999)}"
        identity = f"34{d.randint(1000, 9999)}{day}{d.randint(100, 999)}{d.choice('0123456789X')}"
        return {
            "n": f"{d.randint(10_000, 99_999)}", "n8": n8, "id": identity, "yy": day[2:4], "m": day[5:6] or "1",
            "d": day[7:8] or "1", "day": day,
        }  # fmt: skip

    def spelled(self) -> Iterator[str]:
        """Texts with personal data, one of each kind and spelling."""
        v = self.values()
        i, m, n8 = v["id"], "139" + v["n8"], v["n8"]
        day, iso = v["day"], f"{v['day'][:4]}-{v['day'][4:6]}-{v['day'][6:]}"
        wide = unicodedata.normalize("NFKC", i).translate({ord(str(k)): chr(0xFF10 + k) for k in range(10)})
        old = i[:6] + i[8:17]
        yield from (
            i,
            f"{i[:6]} {i[6:14]} {i[14:]}",
            f"{i[:6]}-{i[6:14]}-{i[14:]}",
            f"{i[:6]}.{i[6:14]}.{i[14:]}",
            wide,
        )
        yield from (old, f"身份证号：{old}", m, f"{m[:3]} {m[3:7]} {m[7:]}", f"{m[:3]}-{m[3:7]}-{m[7:]}", f"+86 {m}")
        yield from (f"0086-{m}", f"(86){m}", f"{m[:3]} {m[3:6]} {m[6:]}", f"0551-6{n8[1:]}", f"(0551)6{n8[1:]}")
        yield from (f"0551 6{n8[1:4]} {n8[4:]}", f"+86 551 6{n8[1:]}", f"que.xing{v['n']}@example.org")
        yield from (f"quexing{v['n']}[at]example[dot]org", f"born {iso}", f"DOB: {iso[8:]}/{iso[5:7]}/{iso[:4]}")
        yield from (f"出生日期：{iso[:4]}年{int(iso[5:7])}月{int(iso[8:])}日", f"生于{iso.replace('-', '.')}")
        yield from (f"birth date {iso}", f"住院号 {n8}", f"MRN {n8}", f"医保号：{n8}", f"passport no. E{n8}")
        place = self._draw.choice(CITIES) + self._draw.choice(ROADS[:3])
        yield from (
            f"{place}{v['n'][:3]}号",
            f"{self._draw.choice(ROADS[3:])} Road {v['n'][:4]}",
            f"微信号：quexing{v['n']}",
        )
        yield from (f"patient name: {self._draw.choice(SURNAMES)} Quexing{v['n']}", f"患者姓名：阙星{day[4:]}")

    def take(self, token: str) -> str:
        """Keeps a token to look for, and returns it."""
        self.drawn.append(token)
        return token


def plant(source: Path, target: Path, seed: int) -> list[str]:
    """Copies a demo snapshot with tokens in it; returns the tokens."""
    target.mkdir(parents=True)
    tokens = Tokens(seed)
    for path in sorted(source.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            records = list(csv.DictReader(file))
        columns = list(records[0]) if records else path.read_text(encoding="utf-8").strip().split(",")
        _plant_undeclared(records, tokens)
        _plant_texts(path.stem, records, tokens)
        columns = list(dict.fromkeys([*columns, *(name for record in records for name in record)]))
        with (target / path.name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(records)
    _plant_beside(target, tokens)
    return tokens.drawn


def _plant_undeclared(records: list[dict[str, str]], tokens: Tokens) -> None:
    for name, form in UNDECLARED.items():
        for record in records[:2]:
            record[name] = tokens.take(form.format(**tokens.values()))


def _plant_texts(domain: str, records: list[dict[str, str]], tokens: Tokens) -> None:
    names = [*TEXTS.get(domain, []), *([ADDED_TEXTS[domain]] if domain in ADDED_TEXTS else [])]
    for name in names:
        if domain == "sv" and name == "VISIT":
            continue  # a visit's name is its key
        for record, token in zip(reversed(records), tokens.spelled(), strict=False):
            record[name] = f"{record.get(name, '')} {tokens.take(token)}".strip()


def _plant_beside(target: Path, tokens: Tokens) -> None:
    """Supplemental answers, comments, a domain without a contract, and names of files."""
    v = tokens.values()
    who = "NCT06321198-01-001"
    answer, comment = tokens.take(f"Quexing {v['n']}"), tokens.take(f"told by Quexing {tokens.values()['n']}")
    supp = {"RDOMAIN": "DM", "USUBJID": who, "IDVAR": "", "IDVARVAL": "", "QNAM": "PATNAME", "QVAL": answer}
    note = {"DOMAIN": "CO", "RDOMAIN": "AE", "USUBJID": who, "COSEQ": "1", "IDVAR": "AESEQ", "IDVARVAL": "1"}
    _write(target / "suppdm.csv", [supp])
    _write(target / "co.csv", [{**note, "COVAL": comment}])
    _write(target / "eg.csv", [{"USUBJID": "NCT06321198-01-001", "EGORRES": tokens.take(tokens.values()["id"])}])
    (target / f"list of {tokens.take('139' + tokens.values()['n8'])}.txt").write_text("x", encoding="utf-8")


def _write(path: Path, records: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def found(tokens: Iterable[str], places: Iterable[Path], texts: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Tokens in the files of these folders (unzipped, decoded) or in these texts, as written or in plain characters."""
    needles = [(token, form) for token in tokens for form in {token, unicodedata.normalize("NFKC", token)}]
    hits = set()
    for place, text in [*_texts(places), *(("printed", text) for text in texts)]:
        forms = [text] if text.isascii() else list({text, unicodedata.normalize("NFKC", text)})
        hits |= {(place, token) for token, needle in needles if any(needle in form for form in forms)}
    return sorted(hits)


def _texts(places: Iterable[Path]) -> Iterator[tuple[str, str]]:
    seen = set()
    for place in places:
        for path in sorted(p for p in place.rglob("*") if p.is_file() and not p.is_symlink()):
            yield str(path), str(path.name)
            content = path.read_bytes()
            # What the cache holds a second time need not be looked at twice.
            mark = hashlib.sha256(content).digest()
            if mark in seen:
                continue
            seen.add(mark)
            yield from ((str(path), text) for text in _decoded(path.suffix, content))


def _decoded(suffix: str, content: bytes) -> Iterator[str]:
    """A file as text: as it is, in UTF-16, unzipped, or as the cells of a parquet file."""
    yield content.decode("utf-8", errors="replace")
    if b"\\u" in content:
        yield content.decode("utf-8", errors="replace").encode("utf-8").decode("unicode_escape", errors="replace")
    if suffix == ".parquet":
        frame = pd.read_parquet(io.BytesIO(content))
        yield "\n".join([*map(str, frame.columns), *(str(v) for name in frame for v in frame[name].dropna().unique())])
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            for name in book.namelist():
                yield name
                yield book.read(name).decode("utf-8", errors="replace")
    if content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content).decode("utf-8", errors="replace")
