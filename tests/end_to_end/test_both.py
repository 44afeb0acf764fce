"""The English under the Chinese: off by default, put in on a click, remembered, right in language and links. Needs Chromium."""

import pytest

pytestmark = pytest.mark.browser

PAIRED = """() => {
  const count = (selector) => document.querySelectorAll(selector).length;
  return {all: count('article .both-en'), paragraphs: count('article p > .both-en'), items: count('article li > .both-en'),
          texts: [...document.querySelectorAll('article > p, .home-section > p')].filter((p) => !p.closest('.only-web')).length};
}"""


@pytest.mark.parametrize("path", ["", "network/", "compute/accelerator/", "insights/ai-battlefield/", "training/frameworks/large-scale/"])
def test_every_paragraph_gets_its_english(page, address, path):
    page.goto(f"{address}zh/{path}")
    assert page.locator(".both-en").count() == 0
    page.click(".book-both button")
    page.wait_for_selector(".both-en")
    found = page.evaluate(PAIRED)
    assert found["paragraphs"] >= found["texts"] > 3
    assert page.locator(".both-en").first.get_attribute("lang") == "en"
    assert page.evaluate("[...document.querySelectorAll('.both-en')].filter((node) => /[\\u4e00-\\u9fff]/.test(node.textContent)).map((node) => node.textContent)") == []
    assert page.evaluate("(() => { const ids = [...document.querySelectorAll('[id]')].map((node) => node.id); return ids.length - new Set(ids).size; })()") == 0
    assert page.problems == [] and page.hosts <= {"127.0.0.1", None}


def test_the_english_stands_under_its_own_paragraph(page, address):
    page.goto(f"{address}zh/network/")
    page.click(".book-both button")
    page.wait_for_selector(".both-en")
    first = page.locator("#when").evaluate("heading => heading.nextElementSibling.textContent")
    assert "签集群合同之前" in first and "before you sign for a cluster" in first
    link = page.locator(".both-en a[href*='accelerator']").first.evaluate("link => link.href")
    assert link.startswith(f"{address}compute/accelerator/")


def test_the_choice_is_remembered_and_can_be_taken_back(page, address):
    page.goto(f"{address}zh/network/")
    page.click(".book-both button")
    page.wait_for_selector(".both-en")
    page.goto(f"{address}zh/resources/")
    page.wait_for_selector(".both-en")
    assert page.locator(".book-both button").get_attribute("aria-pressed") == "true"
    page.click(".book-both button")
    assert page.locator(".both-en").count() == 0
    page.reload()
    page.wait_for_timeout(300)
    assert page.locator(".both-en").count() == 0
    page.goto(f"{address}network/")
    assert page.locator(".book-both").count() == 0


def test_a_page_with_both_does_not_scroll_sideways_on_a_phone(browser, address):
    context = browser.new_context(viewport={"width": 360, "height": 800}, color_scheme="dark")
    opened = context.new_page()
    opened.goto(f"{address}zh/network/")
    opened.click(".book-both button")
    opened.wait_for_selector(".both-en")
    assert opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    context.close()


def test_when_the_english_page_does_not_answer_the_reader_is_told(page, address):
    page.goto(f"{address}zh/network/")
    page.route("**/network/", lambda route: route.abort())
    page.click(".book-both button")
    page.wait_for_function("document.querySelector('.book-both').textContent.includes('打不开')")
    assert page.locator(".both-en").count() == 0
