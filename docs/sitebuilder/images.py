"""Draws the pictures of the documentation: the layers, and a part of a page of a synthetic data cut.

`make docs-images` calls it with the folder of a build. The browser is the one that the machine has; none is downloaded.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from sitebuilder.drawings import layers_drawing, layers_of

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGE, PICTURE = "04_dlt.html", "dlt-page.png"
WIDTH, HEIGHT = 1180, 1170


def browser_path() -> str:
    """The browser of this machine; raises FileNotFoundError where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise FileNotFoundError(f"no browser here; install one of {', '.join(BROWSERS)}")
    return found


def page_picture(page: Path, to: Path) -> None:
    """The top of a built page as a PNG, without network."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        view = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce"
        )
        view.context.set_offline(True)
        view.goto(page.resolve().as_uri())
        view.wait_for_load_state("load")
        view.screenshot(path=to)
        browser.close()


def main() -> int:
    """Writes both pictures."""
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "layers.svg").write_text(layers_drawing(layers_of(ROOT)), encoding="utf-8", newline="\n")
    if len(sys.argv) > 1:
        page_picture(Path(sys.argv[1]) / PAGE, IMAGES / PICTURE)
    print(f"written to {IMAGES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
