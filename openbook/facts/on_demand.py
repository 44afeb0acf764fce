"""Read of docs/data only what somebody asks for: a chapter shows a few of its tables, and names its sources by id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from openbook.facts.load import SOURCES, Loader, table_files
from openbook.facts.model import Facts, Source, Table


class _Sources(Mapping[str, Source]):
    """The sources of a folder; whether there is one of some id is seen without reading their fields."""

    def __init__(self, data_dir: Path, root: Path):
        self._path, self._root = data_dir / SOURCES, root
        self._text = "\n" + self._path.read_text("utf-8") if self._path.is_file() else ""
        self._read: Mapping[str, Source] | None = None

    def _all(self) -> Mapping[str, Source]:
        if self._read is None:
            loader = Loader(self._root)
            if self._text:
                loader.load_sources(self._path)
            self._read = loader.facts.sources
        return self._read

    def __contains__(self, name: object) -> bool:
        return f"\n{name}:" in self._text or name in self._all()

    def __getitem__(self, name: str) -> Source:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class _Tables(Mapping[str, Table]):
    """The tables of a folder, each read with those that it joins when somebody first asks for it."""

    def __init__(self, data_dir: Path, root: Path, sources: Mapping[str, Source]):
        self._loader = Loader(root, Facts(sources=sources))
        self._waiting = {path.stem: path for path in table_files(data_dir)}

    def _load(self, *names: str) -> Mapping[str, Table]:
        wanted = list(names)
        while wanted:
            name = wanted.pop()
            if path := self._waiting.pop(name, None):
                self._loader.load_table(path)
                wanted += self._loader.joins.get(name, ({},))[0]
        self._loader.finish()
        return self._loader.facts.tables

    def __getitem__(self, name: str) -> Table:
        return self._load(name)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load(*self._waiting))

    def __len__(self) -> int:
        return len(self._load(*self._waiting))


def facts_on_demand(data_dir: Path, root: Path) -> Facts:
    """Return the facts under `data_dir`, which say nothing of what is wrong with them: `load_facts` does."""
    sources = _Sources(data_dir, root)
    return Facts(_Tables(data_dir, root, sources), sources)
