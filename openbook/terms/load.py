"""Load docs/data/terms.yml into terms, with a finding for everything that breaks its schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from openbook import LANGUAGES
from openbook.facts.located import Located, read_located
from openbook.findings import Finding, shown_path

FILE = "terms.yml"
FIELDS = ("en", "forms", "zh", "avoid", "allow", "typed", "check", "tip", "note", "define")
TERM_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
SENSE = re.compile(r"\s*\([^()]*\)$")


@dataclass(frozen=True)
class Term:
    """One term: `en` as shown, `forms` as found in English text, `zh` with the canonical form first."""

    id: str
    en: str
    forms: tuple[str, ...]
    zh: tuple[str, ...]
    avoid: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    check: bool = True
    tip: bool = True
    define: dict[str, str] | None = None
    line: int = 1

    @property
    def word(self) -> str:
        """Return the English without the sense that tells it from its namesakes: `decode` of `decode (phase)`."""
        return SENSE.sub("", self.en)


def load_terms(data_dir: Path, root: Path) -> tuple[tuple[Term, ...], list[Finding]]:
    """Return the terms of `data_dir` in the order of the file, and what is wrong with them."""
    path = data_dir / FILE
    if not path.is_file():
        return (), []
    shown = shown_path(path, root)
    located, findings = read_located(path, shown, "terms")
    if located is None:
        return (), findings
    if not isinstance(located.value, dict):
        return (), [Finding(shown, 1, "terms", "the terms are not a mapping of ids", "Write `term-id:` and its fields below it.")]
    terms = []
    for name, fields in located.value.items():
        wrong = _wrong(str(name), fields)
        findings += [Finding(shown, located.line(name, *where), "terms", message, mend) for where, message, mend in wrong]
        if not wrong:
            terms.append(_term(name, fields, located))
    return tuple(terms), findings + _twice(terms, shown)


def _listed(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else ()


def _term(name: str, fields: dict, located: Located) -> Term:
    en = fields["en"]
    # A word with a sense in brackets means other things elsewhere: only its other forms are looked for.
    forms = _listed(fields.get("forms")) if SENSE.search(en) else (en, *_listed(fields.get("forms")))
    return Term(name, en, forms, _listed(fields["zh"]), _listed(fields.get("avoid")), _listed(fields.get("allow")),
                _listed(fields.get("typed")), fields.get("check", True), fields.get("tip", True),
                fields.get("define"), located.line(name))


def _wrong(name: str, fields: object) -> list[tuple[tuple[str, ...], str, str]]:
    """Return (place, message, remedy) for everything wrong with one entry."""
    if not TERM_ID.fullmatch(name):
        return [((), f"the id `{name}` is not lower-case letters, digits and hyphens", "Rename it.")]
    if not isinstance(fields, dict) or not {"en", "zh"} <= fields.keys():
        return [((), f"the term `{name}` needs `en` and `zh`", "Add what is missing.")]
    wrong = [((key,), f"a term has no field `{key}`", f"Use {', '.join(FIELDS)}.") for key in fields if key not in FIELDS]
    for key in ("en", "note"):
        if key in fields and not isinstance(fields[key], str):
            wrong.append(((key,), f"`{key}` is one text", "Quote it if it looks like a number or a list."))
    for key in ("forms", "zh", "avoid", "allow", "typed"):
        value = fields.get(key, [])
        if not all(isinstance(form, str) and form for form in (value if isinstance(value, list) else [value])):
            wrong.append(((key,), f"`{key}` is a text or a list of texts", "Quote what looks like a number."))
    for key in ("check", "tip"):
        if not isinstance(fields.get(key, True), bool):
            wrong.append(((key,), f"`{key}` is true or false", "Leave it out, or write false."))
    define = fields.get("define")
    if define is not None and not (isinstance(define, dict) and define.keys() == set(LANGUAGES)
                                   and all(isinstance(text, str) and text.strip() for text in define.values())):
        wrong.append((("define",), "a definition has exactly `en` and `zh`", "Write one sentence in each language."))
    return wrong


def _twice(terms: list[Term], shown: str) -> list[Finding]:
    """An English form names one term, and what one term avoids no term may prescribe."""
    findings, owner = [], {}
    prescribed = {form: term for term in terms for form in term.zh}
    for term in terms:
        for form in term.forms:
            other = owner.setdefault(form.lower(), term)
            if other is not term:
                findings.append(Finding(shown, term.line, "terms", f"`{form}` is already a form of `{other.id}`",
                                        "Keep it in one of them, or tell them apart by a sense in brackets."))
        for form in term.avoid:
            if form in prescribed:
                findings.append(Finding(shown, term.line, "terms", f"`{form}` is to avoid here and right in `{prescribed[form].id}`",
                                        "Settle on one."))
    return findings
