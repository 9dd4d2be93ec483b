"""Builds a demo cut from an installed wheel under other Pythons, and compares every number with the build of .venv.

python .ci/pythons.py         one Python other than that of .venv: the newest one that is here
python .ci/pythons.py --all   every one

Pythons 3.11 to 3.13 are looked for on PATH and under ~/.pyenv/versions. Each gets an environment of the packages that a
build needs, from requirements.lock with its hashes (by uv if it is on PATH, else by pip), which is kept for the next
run in the cache folder of the user (TRIALBOOK_PYTHONS names another). The wheel is built and installed, `trialbook
init` lays out a folder, and the cut is built there: nothing of the clone can be imported. Run it with the Python of
.venv, after `make demo`. Exit status 1: a number differs, a build stopped, or a Python that is here could not be used.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MINORS = (11, 12, 13)
CUT = "2025-03-31"
ASKED = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3])))"
# What must have the same bytes: every reported number, every dataset, every query.
COMPARED = ("results/*", "data/**/*.parquet", "queries.csv", "changelog.csv", "signals.json")


def pythons() -> dict[str, Path]:
    """The interpreters that are here, by version: the newest of each minor one."""
    found: dict[tuple[int, ...], Path] = {}
    kept = Path.home() / ".pyenv" / "versions"
    for minor in MINORS:
        on_path = [shutil.which(f"python3.{minor}")]
        for place in [Path(p) for p in on_path if p] + sorted(kept.glob(f"3.{minor}.*/bin/python")):
            # A shim of pyenv is on PATH for versions that are switched off.
            asked = subprocess.run([place, "-c", ASKED], capture_output=True, text=True, check=False)
            if asked.returncode == 0:
                version = tuple(map(int, asked.stdout.split(".")))
                if version[1] == minor:
                    found.setdefault(version, place)
    newest = {version[:2]: version for version in sorted(found)}
    return {".".join(map(str, version)): found[version] for version in sorted(newest.values())}


def needed() -> list[str]:
    """Names of the packages that a build needs: what trialbook depends on, without its own extras, and so on."""
    reached: set[tuple[str, str]] = set()
    left = {("trialbook", "")}
    while left:
        reached |= left
        left = {wanted for name, extra in left for wanted in requirements(name, extra)} - reached
    return sorted({name for name, _ in reached})


def requirements(name: str, extra: str) -> list[tuple[str, str]]:
    """What a package needs, or one of its extras: names with the extra of each; nothing for one of another platform."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        asked = re.search(r"""extra == ['"]([^'"]+)""", line)
        wanted = re.match(r"([A-Za-z0-9._-]+)(?:\[([^]]*)\])?", line)
        if wanted and (asked[1] if asked else "") == extra:
            name, extras = normalised(wanted[1]), (wanted[2] or "").split(",")
            found += [(name, ""), *((name, one.strip()) for one in extras if one.strip())]
    return found


def normalised(name: str) -> str:
    """The name of a package as the lock has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lock() -> str:
    """The part of the lock that a build needs, hashes included."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^[a-z0-9].*\n(?:[ \t].*\n)*", text, flags=re.MULTILINE)
    wanted = set(needed())
    return "".join(entry for entry in entries if entry.split("==")[0].split("[")[0].strip() in wanted)


def cache() -> Path:
    """Where environments are kept: outside of the clone, or in .venv where that is not possible."""
    named = os.environ.get("TRIALBOOK_PYTHONS")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trialbook" / "pythons"
    place = Path(named) if named else usual
    try:
        place.mkdir(parents=True, exist_ok=True)
        if os.access(place, os.W_OK):
            return place
    except OSError:
        pass
    return ROOT / ".venv" / "var" / "pythons"


def run(words: list[object], cwd: Path | None = None) -> None:
    """Runs a command; ends with what it said where it fails."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TRIALBOOK_", "PYTHONPATH", "PYTHONHOME"))}
    done = subprocess.run([str(w) for w in words], cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\nexit status {done.returncode}\n{done.stdout}{done.stderr}")


def packages(version: str, python: Path, entries: str) -> Path:
    """The site-packages of an environment with these packages: the one that was kept, or a new one."""
    mark = hashlib.sha256(entries.encode()).hexdigest()[:16]
    place = cache() / f"{version}-{mark}"
    finished = place / "finished"
    if not finished.is_file():
        for old in place.parent.glob(f"{version}-*"):
            shutil.rmtree(old)
        run([python, "-m", "venv", place])
        wanted = place / "requirements.lock"
        wanted.write_text(entries, encoding="utf-8")
        if uv := shutil.which("uv"):
            run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", place / "bin" / "python", wanted])
        else:
            run([place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                 "--require-hashes", "-r", wanted])  # fmt: skip
        finished.touch()
    return next(place.glob("lib/python3.*/site-packages"))


def build_under(version: str, python: Path, wheel: Path, entries: str, scratch: Path) -> list[str]:
    """Builds the cut under a Python from the wheel alone; returns what differs from the build of .venv."""
    site = packages(version, python, entries)
    own = scratch / f"environment-{version}"
    run([python, "-m", "venv", "--without-pip", own])
    into = next(own.glob("lib/python3.*/site-packages"))
    (into / "packages.pth").write_text(f"{site}\n", encoding="utf-8")
    run([sys.executable, "-m", "pip", "--python", own / "bin" / "python", "install", "--quiet", "--no-deps",
         "--no-index", "--disable-pip-version-check", wheel])  # fmt: skip
    trialbook, trial = own / "bin" / "trialbook", scratch / f"trial-{version}"
    run([trialbook, "init", trial])
    shutil.copytree(ROOT / "data" / "demo" / CUT, trial / "data" / CUT)
    run([trialbook, "new-cut", CUT, "--snapshot", f"data/{CUT}", "--date", CUT], trial)
    run([trialbook, "build", CUT], trial)
    here, there = ROOT / "build" / CUT, trial / "build" / CUT
    names = sorted({p.relative_to(base).as_posix() for base in (here, there) for pattern in COMPARED
                    for p in base.glob(pattern) if p.is_file()})  # fmt: skip
    if not names:
        raise SystemExit(f"there is no build of {CUT} to compare with: run `make demo` first")
    return [name for name in names if content(here / name) != content(there / name)]


def content(path: Path) -> bytes | None:
    """The bytes of a file; None where there is none."""
    return path.read_bytes() if path.is_file() else None


def main() -> int:
    """Builds under the chosen Pythons, says which ran, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every other Python, not only the newest")
    every = parser.parse_args().all
    found = pythons()
    own = f"{sys.version_info.major}.{sys.version_info.minor}."
    others = [version for version in found if not version.startswith(own)]
    print(f"Pythons here: {', '.join(found) or 'none'}; that of .venv: {own}{sys.version_info.micro}", flush=True)
    chosen = others if every else others[-1:]
    if not chosen:
        print("there is no other Python from 3.11 to 3.13: nothing was built under another one")
        return 0
    entries, bad = lock(), []
    with tempfile.TemporaryDirectory(prefix="trialbook-pythons-") as folder:
        scratch = Path(folder)
        run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
             "--disable-pip-version-check", "-w", scratch, ROOT])  # fmt: skip
        wheel = next(scratch.glob("*.whl"))
        for version in chosen:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            differing = build_under(version, found[version], wheel, entries, scratch)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            said = f"other bytes: {', '.join(differing)}" if differing else "the same results"
            print(f"Python {version}: {CUT} built from the wheel; {said} ({seconds:.0f} s of one core)", flush=True)
            bad += differing
    left = [version for version in others if version not in chosen]
    if left:
        print(f"not used here: {', '.join(left)} (make soak builds under every one)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
