"""Every kind of page that the site has, each opened as a reader leaves it: at rest, or with what opens on it open."""

from collections.abc import Callable
from dataclasses import dataclass


def at_rest(page) -> None:
    """Leave the page as it loads."""


def search(page) -> None:
    """Search, until results are shown."""
    page.locator("body").press("/")
    page.locator("input.md-search__input").press_sequentially("all-reduce")
    page.keyboard.press("End")
    page.locator(".md-search-result__link").first.wait_for()


def enlarge(page) -> None:
    """Enlarge the first figure."""
    page.locator(".figure-open").first.focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()


def both(page) -> None:
    """Put the English under the Chinese."""
    page.click(".book-both button")
    page.locator(".both-en").first.wait_for()


def explain(page) -> None:
    """Show what a term means."""
    page.locator("a.term").first.focus()
    page.keyboard.press("Shift")    # as after Tab, so that the focus shows
    page.locator(".term-tip:visible").wait_for()


@dataclass(frozen=True)
class Kind:
    """A page by its address in each language that it has, in the real book or in the varied one, and what is done on it."""

    en: str | None
    zh: str | None
    opened: Callable = at_rest
    varied: bool = False

    @property
    def paths(self) -> tuple[str, str]:
        """Its addresses in English and in Chinese; twice the same where there is one only."""
        return (self.zh if self.en is None else self.en, self.en if self.zh is None else self.zh)


KINDS = {
    "home": Kind("", "zh/"),
    "part": Kind("parts/training/", "zh/parts/training/"),
    "chapter with tables, charts, formulas, code and tabs": Kind("compute/accelerator/", "zh/compute/accelerator/"),
    "a figure enlarged": Kind("a/", "zh/a/", enlarge, varied=True),
    "a term explained": Kind("debug/", "zh/debug/", explain),
    "key tables": Kind("tables/", "zh/tables/"),
    "tools": Kind("tools/", "zh/tools/"),
    "glossary": Kind("glossary/", "zh/glossary/"),
    "status": Kind("about/status/", "zh/about/status/"),
    "search open": Kind("about/citation/", "zh/about/citation/", search),
    "no such page": Kind("404.html", None),
    "every kind of Markdown": Kind("deep/", None, varied=True),
    "sections behind": Kind(None, "zh/a/", varied=True),
    "not translated": Kind(None, "zh/deep/", varied=True),
    "English under the Chinese": Kind(None, "zh/about/how-to-read/", both),
    "a page that moved": Kind("old/", "zh/old/", varied=True),
}
