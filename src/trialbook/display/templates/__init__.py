"""The files that pages are made of: Jinja2 templates, styles and our one script."""

from functools import cache
from importlib.resources import files


@cache
def template_text(name: str) -> str:
    """The text of one of these files."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
