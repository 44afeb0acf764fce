"""Find where the Chinese file of a chapter has drifted from the English one, block by block under each heading."""

from __future__ import annotations

from collections.abc import Iterator

from openbook.alignment.compare import Difference, compare_blocks
from openbook.alignment.excuses import RULES, Excuse, excuses_in
from openbook.alignment.features import of_block, of_section
from openbook.alignment.pairing import MOVED, Pair, difference, find_moved, likeness, pair_up
from openbook.findings import Finding
from openbook.reading.blocks import Block, Section, sections_of, split_blocks
from openbook.reading.library import Library

NAMES = {"fence": "code block", "formula": "formula", "callout": "note", "tab": "tab", "caption": "caption of a table", "figure": "figure",
         "item": "list item", "table": "table", "html": "piece of HTML", "paragraph": "paragraph", "quote": "quotation",
         "reference": "reference", "definition": "definition", "rule": "rule", "heading": "section"}
EXCUSABLE = "A true exception is written above the block, with its reason: `<!-- differs: {}: why -->`."


def check_chapters(library: Library) -> Iterator[Finding]:
    """Yield findings about every chapter that exists in both languages."""
    for chapter in library.book.chapters:
        if library.source(chapter, "en") and library.source(chapter, "zh"):
            texts = [(library.docs / chapter.file(lang)).read_text("utf-8") for lang in ("zh", "en")]
            yield from check_alignment(f"docs/{chapter.twin}", texts[0], f"docs/{chapter.path}", texts[1])


def check_alignment(path_here: str, text_here: str, path_there: str, text_there: str) -> list[Finding]:
    """Return the findings about a Chinese file (here) against its English one (there)."""
    blocks = split_blocks(text_here)
    here, there = (sections_of(split) for split in (blocks, split_blocks(text_there)))
    differences = list(_compare_files(here, there))
    excuses = list(excuses_in(blocks))
    findings = []
    used: set[Excuse] = set()
    for found in differences:
        allowing = [excuse for excuse in excuses if excuse.allows(found.line, found.rule) and excuse.why]
        used.update(allowing)
        if not allowing:
            mend = f"{found.mend} {EXCUSABLE.format(found.rule)}" if found.rule in ("number", "name") else found.mend
            findings.append(Finding(path_here, found.line, found.rule, f"{found.message} ({path_there}:{found.there})", mend))
    findings += _check_excuses(path_here, excuses, used)
    return findings


def _check_excuses(path: str, excuses: list[Excuse], used: set[Excuse]) -> Iterator[Finding]:
    for excuse in excuses:
        wrong = [rule for rule in excuse.rules if rule not in RULES]
        if wrong or not excuse.rules:
            yield Finding(path, excuse.line, "excuse", f"no rule is called `{', '.join(wrong)}`", f"Rules are: {', '.join(RULES)}.")
        elif not excuse.why:
            yield Finding(path, excuse.line, "excuse", "the excuse gives no reason", "Write `<!-- differs: rule: why it must differ -->`.")
        elif excuse not in used and "term" not in excuse.rules:
            yield Finding(path, excuse.line, "excuse", "nothing differs here any more", "Take the excuse out.")


def _compare_files(here: list[Section], there: list[Section]) -> Iterator[Difference]:
    """Compare moved sections with their counterparts, then all the rest in order."""
    runs = _run(here), _run(there)
    if [_shape(block) for block in runs[0]] == [_shape(block) for block in runs[1]] and not list(_compare_runs(*runs)):
        return    # nothing differs, as in most chapters: no need to ask what has moved
    moved = [pair for pair in pair_sections(here, there) if pair.moved]
    for pair in moved:
        ours, theirs = here[pair.here], there[pair.there]
        yield Difference(ours.line, theirs.line, "heading", f"the section `{title(theirs)}` stands at another place there",
                         "Keep the sections in the same order.")
        yield from _compare_runs(_run([ours]), _run([theirs]))
    yield from _compare_runs(_run([section for place, section in enumerate(here) if place not in {pair.here for pair in moved}]),
                             _run([section for place, section in enumerate(there) if place not in {pair.there for pair in moved}]))


def _run(sections: list[Section]) -> list[Block]:
    """Return the blocks of sections with their headings; comments are for translators."""
    return [block for section in sections for block in (*([section.heading] if section.heading else []), *section.blocks)
            if block.kind != "comment"]


def pair_sections(here: list[Section], there: list[Section]) -> list[Pair]:
    """Return which section of a file is the counterpart of which of the other."""
    if [section.level for section in here] == [section.level for section in there] and not _drifted(here, there):
        return [Pair(place, place) for place in range(len(here))]
    pairs = pair_up(here, there, section_cost, gap=0.5)    # low: only what has clearly moved is used
    return find_moved(pairs, here, there, lambda a, b: likeness(of_section(a), of_section(b)))


def _drifted(here: list[Section], there: list[Section]) -> bool:
    """Tell whether sections with the same levels may still have changed places."""
    return any([_shape(block) for block in a.blocks if block.kind != "comment"] != [_shape(block) for block in b.blocks if block.kind != "comment"]
               or likeness(of_section(a), of_section(b)) < MOVED for a, b in zip(here, there))


def section_cost(here: Section, there: Section) -> float:
    """Return the cost of taking two sections for each other's translation."""
    return difference(of_section(here), of_section(there)) + (0.4 if here.level != there.level else 0)


def title(section: Section) -> str:
    """Return a section's heading as it is written."""
    return section.heading.first.strip() if section.heading else "before the title"


def _compare_runs(ours: list[Block], theirs: list[Block]) -> Iterator[Difference]:
    """Compare two runs of blocks: say what is added, left out, moved, joined, and compare the rest."""
    if [_shape(block) for block in ours] == [_shape(block) for block in theirs]:
        for a, b in zip(ours, theirs):
            yield from compare_blocks(a, b)
        return
    pairs = find_moved(pair_up(ours, theirs, _block_cost), ours, theirs,
                       lambda a, b: likeness(of_block(a), of_block(b)) if a.kind == b.kind else 0)
    pairs = _slide(pairs, ours, theirs)
    joined = dict(_joined(pairs, ours, theirs))
    last, lost = ours[0] if ours else None, [99, 99]
    for pair in pairs:
        a, b = ours[pair.here] if pair.here is not None else None, theirs[pair.there] if pair.there is not None else None
        if a and b:
            lost = [99, 99]
            yield from _compare_pair(a, b, pair.moved)
            last = a
            continue
        # What stands inside or under something lost is lost with it and needs no finding of its own.
        block, side = (a, 0) if a else (b, 1)
        if _level(block) > lost[side]:
            continue
        lost[side] = _level(block) if block.kind in ("callout", "tab", "item", "heading") else 99
        if a:
            yield Difference(a.line, theirs[0].line if theirs else 1, _rule(a), f"this {NAMES[a.kind]} has no counterpart there",
                             "Remove it, or add it to the English file.")
            last = a
        elif pair.there in joined:
            yield Difference(joined[pair.there].line, b.line, "block", f"this {NAMES[b.kind]} is two there", "Divide it as in the English file.")
        else:
            end = last.line + len(last.lines) - 1 if last else 1
            yield Difference(end, b.line, _rule(b), f"the {NAMES[b.kind]} `{_excerpt(b)}` is missing after this line",
                             "Translate it, at the same place." if b.kind != "heading" else "Translate the section, at the same place and level.")


def _compare_pair(a: Block, b: Block, moved: bool) -> Iterator[Difference]:
    if moved:
        yield Difference(a.line, b.line, "block", f"this {NAMES[a.kind]} stands at another place there", "Keep the same order.")
    elif _shape(a) != _shape(b):
        if a.kind == "heading":
            yield Difference(a.line, b.line, "heading", f"`{a.first.strip()}` stands where there `{b.first.strip()}` does",
                             "Give both files the same headings in the same order and at the same levels.")
        else:
            yield Difference(a.line, b.line, "block", f"this {NAMES[a.kind]} is indented by {4 * b.depth} there, here by {4 * a.depth}",
                             "Indent both alike, by four spaces a level.")
    yield from compare_blocks(a, b)


def _slide(pairs: list[Pair], ours: list[Block], theirs: list[Block]) -> list[Pair]:
    """Pair a heading, a tab or a note with what stands below it: of an added one and the next, the next is the paired one."""
    pairs = list(pairs)
    for place, pair in enumerate(pairs):
        if None in (pair.here, pair.there) or pair.moved or ours[pair.here].kind not in ("heading", "tab", "callout"):
            continue
        for side, other, blocks in (("here", "there", ours), ("there", "here", theirs)):
            end = place + 1
            while end < len(pairs) and getattr(pairs[end], other) is None:
                end += 1
            last = getattr(pairs[end - 1], side)
            paired_after = end < len(pairs) and None not in (pairs[end].here, pairs[end].there)
            if end > place + 1 and paired_after and _shape(blocks[last]) == _shape(blocks[getattr(pair, side)]):
                lonely = [getattr(lost, side) for lost in pairs[place:end - 1]]
                pairs[place:end] = [Pair(index, None) if side == "here" else Pair(None, index) for index in lonely] + [
                    Pair(last, pair.there) if side == "here" else Pair(pair.here, last)]
                break
    return pairs


def _joined(pairs: list[Pair], ours: list[Block], theirs: list[Block]) -> Iterator[tuple[int, Block]]:
    """Yield the blocks there that seem to have become part of a neighbour here, which is as long as both."""
    for place, pair in enumerate(pairs):
        if pair.here is not None:
            continue
        lost = theirs[pair.there]
        for near in pairs[max(0, place - 1):place + 2]:
            if None not in (near.here, near.there) and theirs[near.there].kind == lost.kind in ("paragraph", "item"):
                size, alone, added = (of_block(block).size for block in (ours[near.here], theirs[near.there], lost))
                if size > 1.3 * alone and size > 0.7 * (alone + added):
                    yield pair.there, ours[near.here]


def _shape(block: Block) -> tuple[str, int]:
    return block.kind, _heading_level(block) if block.kind == "heading" else block.depth


def _level(block: Block) -> int:
    """Return how deep a block stands: headings of any level stand above all else."""
    return _heading_level(block) - 10 if block.kind == "heading" else block.depth


def _heading_level(block: Block) -> int:
    return len(block.first) - len(block.first.lstrip("#"))


def _rule(block: Block) -> str:
    return "heading" if block.kind == "heading" else "block"


def _block_cost(here: Block, there: Block) -> float:
    if here.kind != there.kind:
        return 2.0
    return difference(of_block(here), of_block(there)) + (0.3 if _shape(here) != _shape(there) else 0)


def _excerpt(block: Block) -> str:
    flat = " ".join(block.text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"
