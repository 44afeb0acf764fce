"""Measure the search in Chromium: how long the index takes to be ready, and a first result once it is."""

from __future__ import annotations

import statistics
from pathlib import Path

from openbook.bench.browser import FLAGS, chromium, served

ASKED = {"": ("nccl", "goodput", "pipeline bubble", "optimizer memory"), "zh/": ("显存", "流水线气泡", "优化器显存", "全归约")}
#: Stands between the page and the worker and notes the time of each question and answer.
CLOCK = """(() => {
  window.times = {asked: 0, answers: [], ready: 0, opened: 0};
  const Plain = window.Worker;
  window.Worker = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({data}) => {
        if (data.type === 1) times.ready = performance.now();
        if (data.type === 3) times.answers.push(performance.now() - times.asked);
      });
    }
    postMessage(message) {
      if (message.type === 0) times.opened = performance.now();
      if (message.type === 2) times.asked = performance.now();
      return super.postMessage(message);
    }
  };
})()"""


def search(site: Path) -> None:
    """Print, for each language, the time until the index is ready and that of results; say so where there is no browser."""
    program = chromium()
    if program is None:
        print("search: not measured, for there is no Chromium here (apt-get install chromium).")
        return
    from playwright.sync_api import sync_playwright

    with served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for root, questions in ASKED.items():
            page = browser.new_page()
            page.add_init_script(CLOCK)
            page.goto(address + root)
            page.locator("body").press("/")
            page.wait_for_function("times.ready > 0")
            answers = [_answer(page, question) for question in questions]
            ready = page.evaluate("times.ready - times.opened")
            print(f"search {root or 'en/':4} index ready after {ready:.0f} ms; first results in {statistics.median(answers):.0f} ms "
                  f"({min(answers):.0f} to {max(answers):.0f}), goal 100 ms", flush=True)
        browser.close()


def _answer(page, question: str) -> float:
    """Put a question; return the milliseconds from asking the worker to its answer."""
    box = page.locator("input.md-search__input")
    box.fill("")
    count = page.evaluate("times.answers.length")
    box.fill(question)
    page.keyboard.press("End")    # the theme asks on the release of a key
    page.wait_for_function(f"times.answers.length > {count}")
    return page.evaluate("times.answers.at(-1)")
