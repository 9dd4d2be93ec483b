"""`python -m sitebuilder`, with PYTHONPATH=docs: builds the site of `docs/` into `docs/_build/html`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main

from sitebuilder.examples import ExampleError
from sitebuilder.staging import stage

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Builds the site; the exit status is 1 where an example fails, a link leads nowhere or Sphinx warns."""
    parser = argparse.ArgumentParser(prog="python -m sitebuilder", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "_build", help="folder of the site")
    parser.add_argument("--without-examples", action="store_true", help="show the examples, but do not run them")
    asked = parser.parse_args()
    source, site = asked.out / "source", asked.out / "html"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="trialbook-docs-") as scratch:
        try:
            stage(ROOT, source, Path(scratch), examples=not asked.without_examples)
        except ExampleError as error:
            print(error, file=sys.stderr)
            return 1
    status = build_main(
        [
            "-q",
            "-W",
            "--keep-going",
            "-b",
            "html",
            "-d",
            str(asked.out / "doctrees"),
            "-c",
            str(ROOT / "docs"),
            str(source),
            str(site),
        ]
    )
    if status == 0:
        print(site / "index.html")
    return status


if __name__ == "__main__":
    sys.exit(main())
