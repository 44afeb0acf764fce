"""The MkDocs plugin: connects the book's functions to MkDocs' events, and holds no logic of its own.

MkDocs builds the site once a language: English first, then the i18n plugin calls the build again from
its own on_post_build. Events that must come after everything (the indexes, the manifest) run below it.
"""

from __future__ import annotations

import functools
import gc
import logging
import os
import re
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment
from markupsafe import escape
from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from openbook import LANGUAGES
from openbook.addresses.moved import load_moves
from openbook.book import Book, Chapter, Part, book_from_nav, english_path, nav_translations
from openbook.checking.run import check_repository
from openbook.checking.whole import check_chapters_alone
from openbook.facts.download import csv_name
from openbook.facts.inside import files_inside
from openbook.findings import BookError
from openbook.formulas.katex import render_all
from openbook.freshness.state import SectionState
from openbook.pdf.words import chapter_label, part_label
from openbook.safety.article import wrong_in
from openbook.safety.figures import check_figures
from openbook.safety.files import look_at_files
from openbook.safety.front_matter import wrong_fields
from openbook.site.copying import mark_commands
from openbook.site.dates import changes_of
from openbook.site.freshness import chapter_states, mark_behind, say_untranslated, section_titles
from openbook.site.head import Shown, head_of, plain_url
from openbook.site.manifest import OFFLINE, PDF, ROOTS, TAGS, Collected, copy_attachments, manifest, printed, write_manifest
from openbook.site.markdown import BookMarkdown, Rendering, prepare
from openbook.site.outputs import write_indexes, write_look, write_tables
from openbook.site.page_facts import days_of_change, headings_of, last_change, reading_minutes, sources_read
from openbook.site.pages import finish_content, finish_page, lead_inside
from openbook.site.parts import part_page, with_part_pages
from openbook.site.policy import inline_scripts
from openbook.site.preview import Workshop, quiet_about_dirty_builds
from openbook.site.publish import Published, publish
from openbook.site.redirects import ids_elsewhere, keep_ids
from openbook.site.search import MARKS, index_json, searchable
from openbook.site.styles import classes_in
from openbook.site.touched import shown_tables
from openbook.terms.search import search_words

log = logging.getLogger("mkdocs.openbook")

DATA_LINK = re.compile(r'href="book:data/([\w-]+)"')


class BookConfig(Config):
    check = config_options.Type(bool, default=True)


class OpenBookPlugin(BasePlugin[BookConfig]):
    """Build the book's two languages from one set of facts, figures and ids."""

    def on_startup(self, *, command: str, dirty: bool) -> None:
        """Keep one instance over all builds (MkDocs does so for plugins that have this event)."""
        # A build makes millions of objects and hardly a cycle: a fiftieth of its time would go into the search for them.
        gc.set_threshold(50_000)
        self.dirty = dirty
        if dirty:
            quiet_about_dirty_builds()

    workshop: Workshop | None = None
    only: set[str] | None = None
    dirty = False

    @event_priority(100)
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        i18n = config.plugins["i18n"]
        if getattr(i18n, "building", False):
            return config
        if not config.repo_url:
            config.edit_uri = None    # no repository, no edit links
        config.copyright = f"{config.copyright or ''} · {version('openbook')}".removeprefix(" · ")    # for the foot of each page
        self.root = Path(config.config_file_path).parent
        self.docs = Path(config.docs_dir)
        self._refuse_files()
        self.book = self._read_book(config)
        self.workshop = self.workshop if self.dirty and self.workshop else Workshop(self.root)
        library, facts, (self.terms, finders) = self.workshop.library(self.book), self.workshop.facts(), self.workshop.terms()
        self.changed, self.only = self.workshop.touched(library)
        if self.dirty and (search := config.plugins.get("material/search")) is not None:
            search.is_dirty = False    # it would join each index with the last one, entry by entry, for minutes
        if self.only is None:
            self.indexes: dict[str, str] = {}
            self.collected = Collected()
            self.has_formulas = False
            self.scripts: set[str] = set()
            self.heads: list[Shown] = []
            self.classes: set[str] = set()
            self.changes = changes_of(self.root)
            self.days = days_of_change(self.changes)
            self.moves, _ = load_moves(self.docs / "data", self.root)
        else:
            config.theme.static_templates = set()    # the page of errors and the site map stay as they are
        self.rendering = Rendering(library, facts, self.docs, terms=self.terms, finders=finders,
                                   about_parts=config.extra.get("parts", {}))
        self.shown = shown_tables(library)
        self.part_files: dict[int, dict[str, File]] = {part.number: {} for part in self.book.parts}
        self._extend_markdown(config)
        return config

    def _refuse_files(self) -> None:
        """Stop before a file is read that must not be, whether or not somebody has checked the book."""
        if not self.dirty:
            seen = look_at_files(self.root)
            refused = [*seen.findings, *(() if seen.barred else check_figures(self.docs))]
            if refused:
                raise PluginError("\n".join(str(finding) for finding in refused))

    def _read_book(self, config: MkDocsConfig) -> Book:
        nav = config.nav or []
        translations = nav_translations([{"i18n": {"languages": [dict(language) for language in
                                                                 config.plugins["i18n"].config.languages]}}])
        book = book_from_nav(nav, translations)
        config.nav = with_part_pages(nav, book)
        return book

    def _extend_markdown(self, config: MkDocsConfig) -> None:
        extension = BookMarkdown(self.rendering)
        config.markdown_extensions = [known for known in config.markdown_extensions
                                      if not isinstance(known, BookMarkdown)] + [extension]
        fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
        ours = {"table": extension.table_fence, "chart": extension.chart_fence, "glossary": extension.glossary_fence}
        fences["custom_fences"] = [fence for fence in fences.get("custom_fences", []) if fence["name"] not in ours] + [
            {"name": name, "class": f"book-{name}", "format": function} for name, function in ours.items()]

    def on_pre_build(self, config: MkDocsConfig) -> None:
        if self.config.check and not self.dirty and not os.environ.get("OPENBOOK_CHECKED") and self._lang(config) == LANGUAGES[0]:
            try:
                findings = check_repository(self.root)
            except BookError as error:
                findings = error.findings
            for finding in findings:
                log.warning("%s", finding)

    def _lang(self, config: MkDocsConfig) -> str:
        return config.plugins["i18n"].current_language or LANGUAGES[0]

    def _root(self, config: MkDocsConfig) -> str:
        """Return the language's prefix in addresses; a preview of one language stands at the site's root."""
        return "" if config.plugins["i18n"].config.build_only_locale else ROOTS[self._lang(config)]

    @event_priority(-150)
    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Keep the print style out of the website (MkDocs copies whatever stands in overrides/), and add a page for each part."""
        for file in [file for file in files if file.src_uri.startswith("pdf/")]:
            files.remove(file)
        for part in self.book.parts:
            files.append(self._part_file(part, config))
        if self.dirty:
            for file in files.documentation_pages():
                wanted = self.only is None or english_path(file.src_uri) in self.only
                file.is_modified = functools.partial(bool, wanted)    # MkDocs knows only of the page's own file
        return files

    def _part_file(self, part: Part, config: MkDocsConfig) -> File:
        """Return a part's page as a file of the current language, as the i18n plugin makes of one in docs/."""
        lang = self._lang(config)
        path = part.page if lang == LANGUAGES[0] else part.page.removesuffix(".md") + f".{lang}.md"
        text = part_page(self.rendering.library, part, self.rendering.about_parts, lang)
        file = File.generated(config, path, content=text)
        file.name = "index"
        file.dest_uri = self._root(config) + part.page.removesuffix(".md") + ".html"
        file.locale = file.locale_alternate_of = file.localization = lang
        file.norm_src_uri, file.alternates = part.page, self.part_files[part.number]
        self.part_files[part.number][lang] = file
        config.plugins["i18n"].i18n_files_per_language[lang].append(file)    # from here the map of the site is written
        return file

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Give the pages that are not built again the titles they have; MkDocs would make some of their file names."""
        if self.only is not None:
            for page in nav.pages:
                built = self.collected.pages.get((english_path(page.file.src_uri), self._lang(config)))
                if built and not page.file.is_modified():
                    page.title = built["title"]
        return nav

    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> Environment:
        """Compile each template once, for both languages and all builds of a preview."""
        env.bytecode_cache = self.workshop.templates
        return env

    # pages ----------------------------------------------------------------------------------------

    @event_priority(-100)
    def on_page_markdown(self, text: str, *, page: Page, config: MkDocsConfig, files) -> str:
        source = page.file.src_uri
        rendering = self.rendering
        rendering.chapter = rendering.chapter_of(source)
        rendering.lang = self._lang(config)
        rendering.text_lang = "zh" if source.endswith(".zh.md") else "en"
        if page.file.abs_src_path:    # the pages of parts are our own
            for _, message, mend in wrong_fields(page.meta):
                log.warning("docs/%s: %s. %s", source, message, mend)
        if rendering.chapter:
            page.meta["chapter"] = {"number": rendering.chapter.number, "part": rendering.chapter.part,
                                    "id": rendering.chapter.id, "print": printed(rendering.library, rendering.chapter)}
        return prepare(text, rendering)

    def on_page_content(self, content: str, *, page: Page, config: MkDocsConfig, files) -> str:
        rendering = self.rendering
        for tag in wrong_in(content, rendering.drawings):
            log.warning("docs/%s: the page holds `%s`, which the book does not use. Write Markdown, without HTML or attributes.", page.file.src_uri, tag)
        minutes = reading_minutes(content)
        content = mark_commands(finish_content(content, self.docs, rendering.facts.sources, rendering.text_lang))
        for name, file in (("pdf", PDF.format(rendering.lang)), ("offline", OFFLINE)):
            content = content.replace(f'href="book:{name}"', f'href="{get_relative_url(file, page.url)}"')
        if rendering.chapter and rendering.text_lang == "zh":
            states = chapter_states(rendering.library, rendering.chapter)
            content = self._marked(content, rendering.chapter, states, page, config)
        elif rendering.lang != rendering.text_lang:
            content = say_untranslated(content)
        if rendering.chapter and self.moves:
            content = keep_ids(content, self.moves, rendering.chapter.path)
            page.meta["moved_ids"] = ids_elsewhere(self.moves, rendering.chapter.path, lambda url: get_relative_url(self._root(config) + url, page.url))
        content = lead_inside(content, self._root(config), lambda url: get_relative_url(url, page.url))
        content = DATA_LINK.sub(lambda found: f'href="{get_relative_url(csv_name(found[1], rendering.text_lang), page.url)}"', content)
        page.meta["has_tables"] = 'class="book-table"' in content and "data-table=" in content
        page.meta["text_lang"], page.meta["text_tag"] = rendering.text_lang, TAGS[rendering.text_lang]
        page.meta["has_formulas"] = 'class="arithmatex"' in content
        if self.only is not None:
            page.meta["search"] = {"exclude": True}    # the preview keeps the index of its start
        self.has_formulas |= page.meta["has_formulas"]
        if rendering.chapter:
            page.meta["facts"] = self._page_facts(content, minutes)
            collected = self.collected.pages[rendering.chapter.path, rendering.lang] = {
                "title": page.meta.get("print_title") or page.title, "url": page.url, "html": page.file.dest_uri, "file": page.file.src_uri,
                "language": rendering.text_lang, "description": page.meta.get("description", ""),
                "headings": headings_of(page.toc)} | page.meta["facts"]
            if rendering.text_lang == "zh":
                collected["behind"] = sum(state.behind for state in states)
        return content

    def _page_facts(self, content: str, minutes: int) -> dict:
        """Return what a page says of itself, and the manifest of it; a day that is not known is left out."""
        rendering = self.rendering
        file = rendering.chapter.file(rendering.text_lang)
        changed = last_change(file, self.shown.get(rendering.chapter.path, set()), self.days)
        read = sources_read(content, rendering.facts)
        return {"minutes": minutes, **({"changed": changed} if changed else {}), **({"sources_read": list(read)} if read else {})}

    def _marked(self, content: str, chapter: Chapter, states: list[SectionState], page: Page, config: MkDocsConfig) -> str:
        """Mark what is behind; a preview of one language has no English page to lead to."""
        library = self.rendering.library
        alone = config.plugins["i18n"].config.build_only_locale
        english = None if alone else get_relative_url(page.url.removeprefix(ROOTS["zh"]) or ".", page.url)
        return mark_behind(content, states, section_titles(library, chapter), english)

    @event_priority(50)
    def _show_search_less(self, context, *, page: Page, config: MkDocsConfig, nav):
        """Before the search plugin (0) reads the page."""
        self.whole = page.content
        page.content = searchable(page.content)
        return context

    @event_priority(-50)
    def _show_readers_all(self, context, *, page: Page, config: MkDocsConfig, nav):
        """After the search plugin: formulas come last, whose markup is half of some pages."""
        page.content = render_all(MARKS.sub("", self.whole))
        return context

    def _tell_templates(self, context, *, page: Page, config: MkDocsConfig, nav):
        lang = self._lang(config)
        other = next(code for code in LANGUAGES if code != lang)
        context["book"] = {
            "lang": lang, "other_lang": other, "other_tag": TAGS[other],
            "untranslated": page.meta.get("text_lang", lang) != lang,
            "other_url": ROOTS[other] + plain_url(page.url, lang) or ".",
            "pdf": PDF.format(lang), "pdfs": {code: PDF.format(code) for code in LANGUAGES}, "roots": ROOTS, "tags": TAGS,
            "label": self._label(page, lang), "head": self._head(page, config)}
        if "description" in page.meta:    # the theme writes it into an attribute as it is; what is escaped here, `e` leaves alone
            page.meta["description"] = escape(page.meta["description"])
        return context

    on_page_context = CombinedEvent(_show_search_less, _tell_templates, _show_readers_all)

    def _label(self, page: Page, lang: str) -> str:
        """Return a numbered page's name in the book, as the PDF prints it: `Part II`, `第 3 章`."""
        if "part" in page.meta:
            return part_label(lang, page.meta["part"])
        number = page.meta.get("chapter", {}).get("number")
        return chapter_label(lang, number) if number else ""

    def _head(self, page: Page, config: MkDocsConfig) -> dict:
        file, lang = page.file.src_uri, self._lang(config)
        chapter = self.rendering.chapter_of(file)
        shown = Shown(english_path(file), chapter and chapter.number, lang, page.meta.get("text_lang", lang), page.url, str(page.title),
                      page.meta.get("description", ""), self.changes.get(file, ()))
        self.heads.append(shown)
        return head_of(shown, config.extra["book"], config.site_url or "", bool(config.plugins["i18n"].config.build_only_locale),
                       chapter is not None)

    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        root = self._root(config)
        self._note(output)
        return finish_page(output, self._lang(config), get_relative_url(root, page.url) if root else None)

    def on_post_template(self, output: str, *, template_name: str, config: MkDocsConfig) -> str:
        if template_name == "404.html" and self._lang(config) != LANGUAGES[0]:
            return ""    # one bilingual page; the second language would overwrite it
        if not template_name.endswith(".html"):
            return output
        self._note(output)
        return finish_page(output, self._lang(config), None)

    def _note(self, output: str) -> None:
        """Remember what the policy and the style sheet must provide for."""
        self.scripts |= inline_scripts(output)
        self.classes |= classes_in(output)

    # after the build --------------------------------------------------------------------------------

    @event_priority(-50)
    def _keep_index(self, config: MkDocsConfig) -> None:
        """After the search plugin (0), before the i18n plugin builds the next language (-100)."""
        search = config.plugins.get("material/search")
        if search is not None and self.only is None:
            lang = self._lang(config)
            entries = search.search_index.entries
            self.indexes[lang] = index_json(entries, self._root(config), lang, search_words(self.terms, lang))
            entries.clear()    # the i18n plugin would look for entries that both languages have, each against all others

    @event_priority(-200)
    def _write_outputs(self, config: MkDocsConfig) -> None:
        """After all languages are built: indexes, formula styles, tables to download, manifest."""
        if config.plugins["i18n"].building:
            return
        site = Path(config.site_dir)
        write_indexes(site, self.indexes)
        if self.only is not None:
            self._report_changes()
        if self.dirty:
            self.workshop.finished()
        if self.only is not None:
            return
        for name in ("sitemap.xml", "sitemap.xml.gz"):    # ours has the days on which pages changed; without an address there is none
            (site / name).unlink(missing_ok=True)
        write_look(site, self.scripts, None if self.dirty else self.classes, self.has_formulas)
        write_tables(site, self.rendering.facts)
        if len(self.indexes) > 1:
            texts = config.extra["book"]
            content = manifest(self.rendering.library, self.collected, texts, self.root, config.site_url or "",
                               config.repo_url or None)
            copy_attachments(content, self.docs, site, files_inside(self.rendering.facts))
            write_manifest(content, site)
            built = Published(site, self.rendering, tuple(self.heads), self.collected.pages, texts, config.site_url or "", content["date"])
            publish(built, self.moves, self._notes(config), self.root)

    def _notes(self, config: MkDocsConfig) -> dict[str, dict[str, str]]:
        """Return the words for kinds of notes in each language, by kind."""
        languages = config.plugins["i18n"].config.languages
        return {language.locale: dict(language.admonition_translations or {}) for language in languages}

    def _report_changes(self) -> None:
        """Name what the edit broke, once its page can be looked at."""
        for finding in check_chapters_alone(self.root, self.rendering.library, self.rendering.facts, self.only or set()):
            log.warning("%s", finding)

    on_post_build = CombinedEvent(_keep_index, _write_outputs)
