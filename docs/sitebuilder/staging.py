"""The source folder of the site: pages of `docs/` and of the project, generated ones, every reference a link."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from sitebuilder.examples import Examples
from sitebuilder.markdown import PROBLEM, linked, page, section_target
from sitebuilder.reference import reference_pages
from sitebuilder.spec_tables import spec_modules, spec_page, target_of, title_of
from trialbook.protocol.load import load_protocol

# Pages of the project itself that the site shows too: file, name in the site.
OWN = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
_HEADING = re.compile(r"^(#{2,5}) ([0-9]+(?:\.[0-9]+)*)\.? ", re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
_TARGET = re.compile(r"^\(([^)\s]+)\)=$", re.MULTILINE)


def stage(root: Path, source: Path, scratch: Path, *, examples: bool = True) -> None:
    """Fills `source` with every page of the site; `scratch` is where the examples run."""
    docs = root / "docs"
    runner = Examples(root, scratch) if examples else None
    pages: dict[str, str] = {}
    for path in sorted(docs.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        pages[path.name] = runner.run(f"docs/{path.name}", text) if runner else text
    for file, name in OWN.items():
        pages[name] = (root / file).read_text(encoding="utf-8")
    pages = {name: _relinked(text, name, root) for name, text in pages.items()}
    pages["rules.md"] = _with_targets(pages["rules.md"])
    pages |= reference_pages(root, load_protocol(root / "params" / "protocol.yaml"))
    pages |= _spec_pages(root)
    known = {target.lower() for text in pages.values() for target in _TARGET.findall(text)}
    for name, text in pages.items():
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(linked(text, known - _own_targets(text)), encoding="utf-8", newline="\n")
    shutil.copytree(docs / "images", source / "images", dirs_exist_ok=True)


def _own_targets(text: str) -> set[str]:
    """A page of one assumption or problem does not link to itself; the long pages do."""
    found = _TARGET.findall(text)
    return {found[0].lower()} if len(found) == 1 and PROBLEM.fullmatch(found[0].upper()) else set()


def _with_targets(text: str) -> str:
    return _HEADING.sub(lambda m: f"({section_target(m[2])})=\n{m[0]}", text)


def _spec_pages(root: Path) -> dict[str, str]:
    modules = spec_modules(root)
    names = [module.__name__.removeprefix("test_").replace("_", "-") for module in modules]
    pages = {f"reference/spec/{name}.md": spec_page(module) for name, module in zip(names, modules, strict=True)}
    listed = [f"- [{title_of(module)}](#{target_of(module)})" for module in modules]
    index = page(
        "Specification by example",
        "The tables by which the tests prove the rules. Each page is made from a file of `tests/spec/`.",
        "\n".join(listed), target="spec-list",
    )  # fmt: skip
    return {"reference/spec.md": index, **pages}


def _relinked(text: str, name: str, root: Path) -> str:
    """Links as they are in the site: pages of the project by their new names, other files of the project as code."""
    folder = root if name in OWN.values() else root / "docs"

    def link(match: re.Match[str]) -> str:
        image, label, target, anchor = match[1], match[2], match[3], match[4] or ""
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        path = (folder / target).resolve()
        relative = path.relative_to(root).as_posix()
        if relative in OWN:
            return f"{image}[{label}]({OWN[relative]}{anchor})"
        if relative.startswith("docs/") and path.suffix in (".md", ".png", ".svg"):
            return f"{image}[{label}]({relative.removeprefix('docs/')}{anchor})"
        return label if label.startswith("`") else f"{label} (`{relative}`)"

    return _LINK.sub(link, text)
