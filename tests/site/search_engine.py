"""Run the site's own search without a browser: its script, the theme's worker, the built index, the same ranking."""

from __future__ import annotations

import json
from pathlib import Path

import quickjs

# What the scripts find in a browser: where a worker listens, whom it answers, how it loads others, how it is asked.
WORKER = """
var self = globalThis, window = globalThis, listener, asked, answer = null;
var console = {warn: function () {}, log: function () {}};
function addEventListener(kind, heard) { listener = heard; }
function postMessage(message) { asked.heard({data: message}); answer = message; }
function importScripts() { for (const address of arguments) (0, eval)(read_script(address)); }
var Worker = class {
  addEventListener(kind, heard) { this.heard = heard; }
  postMessage(message) { asked = this; listener({data: message}); }
};
function send(message) { answer = null; new Worker().postMessage(JSON.parse(message)); }
function said() { return JSON.stringify(answer); }
"""


class SearchEngine:
    """The search of one language of a built site."""

    def __init__(self, site: Path, root: str = ""):
        scripts = site / "assets" / "javascripts"
        self.context = quickjs.Context()
        self.context.add_callable("read_script", lambda address: (scripts / address.removeprefix("../")).read_text("utf-8"))
        self.context.eval(WORKER)
        (worker,) = (scripts / "workers").glob("search.*.min.js")
        self.context.eval(worker.read_text("utf-8"))
        self.context.eval((site / "assets" / "js" / "search.js").read_text("utf-8"))
        index = json.loads((site / root / "search" / "search_index.json").read_text("utf-8"))
        self._ask({"type": 0, "data": {**index, "options": {"suggest": True}}})

    def _ask(self, message: dict) -> dict:
        self.context.get("send")(json.dumps(message))
        while self.context.execute_pending_job():
            pass
        return json.loads(self.context.get("said")())

    def sections(self, words: str) -> list[list[dict]]:
        """Return what a search finds: pages, best first, each as its matching sections."""
        return self._ask({"type": 2, "data": words})["data"]["items"]

    def pages(self, words: str) -> list[str]:
        """Return the addresses of the pages found, best first, without their anchors."""
        return [page[0]["location"].split("#")[0] for page in self.sections(words)]

    def ranked(self, items: list[list[dict]]) -> list[str]:
        """Return the addresses of a worker's answer in the order in which readers get them."""
        message = json.dumps({"type": 3, "data": {"items": items}})
        answer = json.loads(self.context.eval(f"asked = new Worker(); postMessage({message}); said()"))
        return [page[0]["location"] for page in answer["data"]["items"]]
