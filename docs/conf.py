"""Settings of Sphinx for the site of the documentation; `make docs` builds it."""

from trialbook import __version__

project = "trialbook"
version = release = __version__
author = "the authors of trialbook"
project_copyright = "the authors of trialbook"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
language = "en"

# Headings have the anchors that a link on a page of the repository uses.
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"trialbook {release}"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
# Everything lies beside the pages: no fonts, scripts or images from elsewhere.
html_theme_options = {"navigation_with_keys": True}
templates_path: list[str] = []
smartquotes = False
