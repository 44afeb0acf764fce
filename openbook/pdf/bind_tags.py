"""Join the chapters' trees of tags into one, so that a screen reader hears a book."""

from __future__ import annotations

from collections.abc import Iterator

import pikepdf
from pikepdf import Array, Dictionary, Name

#: Elements below which there are no table cells and no notes: notes stand in the page's own area.
LEAVES = {"/P", "/H1", "/H2", "/H3", "/H4", "/Span", "/Link", "/Lbl", "/Figure", "/Formula", "/Caption", "/Code", "/Note"}


class TagTree:
    """The book's tree of tags while it grows."""

    def __init__(self, out: pikepdf.Pdf):
        self.out = out
        self.root = out.make_indirect(Dictionary(Type=Name.StructTreeRoot))
        self.document = out.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Document, K=Array(), P=self.root))
        self.root.K = Array([self.document])
        self.numbers: list[pikepdf.Object] = []
        self.ids: dict[str, pikepdf.Object] = {}
        self.next = 0

    def add(self, source: pikepdf.Pdf, pages: list[pikepdf.Page], title: str, prefix: str, order: int | None = None) -> None:
        """Take over a chapter's tree, behind all others or at a place among them, from 0.

        Its pages must be in the book already, or their references are lost.
        """
        if "/StructTreeRoot" not in source.Root:
            return
        tree = self.out.copy_foreign(source.Root.StructTreeRoot)
        numbers = tree.ParentTree.Nums
        moved, last = Array(), -1
        for i in range(0, len(numbers), 2):
            last = max(last, int(numbers[i]))
            moved.append(int(numbers[i]) + self.next)
            moved.append(numbers[i + 1])
        for page in pages:
            if "/StructParents" in page.obj:
                page.obj.StructParents = int(page.obj.StructParents) + self.next
            for note in page.obj.get("/Annots", []):
                if "/StructParent" in note:
                    note.StructParent = int(note.StructParent) + self.next
        if last >= 0:
            limits = Array([self.next, last + self.next])
            self.numbers.append(self.out.make_indirect(Dictionary(Limits=limits, Nums=moved)))
        document = tree.K[0]
        for cell in _named(document):
            self._rename(cell, prefix)
        document.S, document.P, document.T = Name.Part, self.document, pikepdf.String(title)
        kids = self.document.K
        kids.insert(len(kids) if order is None else order, document)
        self.next += last + 1

    def finish(self) -> None:
        """Hang the tree into the book."""
        self.root.ParentTree = self.out.make_indirect(Dictionary(Kids=Array(self.numbers)))
        self.root.ParentTreeNextKey = self.next
        if self.ids:
            tree = pikepdf.NameTree.new(self.out)
            for name in sorted(self.ids):
                tree[name] = self.ids[name]
            self.root.IDTree = tree.obj
        self.out.Root.StructTreeRoot = self.root
        self.out.Root.MarkInfo = Dictionary(Marked=True)

    def _rename(self, cell: pikepdf.Object, prefix: str) -> None:
        """Make the ids of notes, and those by which cells name their heads, unique in the book."""
        if "/ID" in cell:
            name = f"{prefix}.{cell.ID}"
            cell.ID = pikepdf.String(name)
            self.ids[name] = cell
        attributes = cell.get("/A")
        if attributes is not None and not isinstance(attributes, Array) and "/Headers" in attributes:
            attributes.Headers = Array([pikepdf.String(f"{prefix}.{head}") for head in attributes.Headers])


def _named(root: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """Walk the table cells and notes of a tree, which have ids."""
    stack = [root]
    while stack:
        element = stack.pop()
        kind = str(element.get("/S"))
        if kind in ("/TH", "/TD", "/Note"):
            yield element
        if kind in LEAVES:
            continue
        kids = element.get("/K")
        if isinstance(kids, Array):
            stack += [kid for kid in kids if isinstance(kid, Dictionary) and "/S" in kid]
