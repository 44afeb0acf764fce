// Puts the English paragraph under the Chinese one. The text comes from this book's own English page, and only when
// the reader asks; the choice is remembered. Both pages have the same blocks under the same headings, so the nth
// block of a section belongs to the nth there; a section that differs is left alone.
(() => {
  const bar = document.querySelector(".book-both");
  const link = document.querySelector("a.book-language");
  if (!bar || !link) return;
  const button = bar.querySelector("button");
  const BLOCKS = "h1, h2, h3, h4, p, li, dt, dd, figcaption, summary, th, td";
  const SKIPPED = ".book-both, .untranslated, .sources, .only-web, .term-tip, .table-notes, .sources-here";
  const NESTED = "ul, ol, p, pre, table, div, details, figure, dl";

  const remember = (on) => { try { localStorage.setItem("book-both", on ? "1" : ""); } catch { /* private windows keep nothing */ } };
  const remembered = () => { try { return localStorage.getItem("book-both") === "1"; } catch { return false; } };

  // A block's own text: a list item with paragraphs or lists inside leaves those to be blocks of their own.
  const ownText = (block) => [...block.childNodes].filter((node) => !(node.nodeType === 1 && node.matches(NESTED)));
  const blocksBySection = (article) => {
    const sections = new Map([["", []]]);
    let here = "";
    for (const block of article.querySelectorAll(BLOCKS)) {
      if (block.closest(SKIPPED) || !ownText(block).some((node) => node.textContent.trim())) continue;
      if (/^H\d$/.test(block.tagName)) here = block.id;
      if (!sections.has(here)) sections.set(here, []);
      sections.get(here).push(block);
    }
    return sections;
  };

  const english = (block, base) => {
    const copy = document.createElement("span");
    copy.lang = "en";
    copy.className = "both-en";
    copy.append(...ownText(block).map((node) => document.importNode(node, true)));
    copy.querySelectorAll(".headerlink, .term-tip, .caption-number, .both-en").forEach((node) => node.remove());
    copy.querySelectorAll("[id]").forEach((node) => node.removeAttribute("id"));
    copy.querySelectorAll("a[href]").forEach((node) => {
      const href = node.getAttribute("href");
      if (!href.startsWith("#")) node.href = new URL(href, base).href;
    });
    // The list of sources is this page's own, in its own order.
    copy.querySelectorAll(".cite a").forEach((node) => {
      const source = document.getElementById(node.hash.slice(1));
      if (source) node.textContent = [...source.parentNode.children].indexOf(source) + 1;
    });
    return copy;
  };

  const show = async () => {
    const base = new URL(link.getAttribute("href"), location.href);
    base.hash = "";
    const answer = await fetch(base);
    if (!answer.ok) throw new Error(answer.status);
    const other = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("article");
    const theirs = blocksBySection(other);
    for (const [id, blocks] of blocksBySection(document.querySelector("article"))) {
      const originals = theirs.get(id) || [];
      if (originals.map((block) => block.tagName).join() !== blocks.map((block) => block.tagName).join()) continue;
      blocks.forEach((block, index) => {
        if (originals[index].textContent.trim() === block.textContent.trim()) return;
        const nested = [...block.children].find((node) => node.matches(NESTED));
        block.insertBefore(english(originals[index], base), nested || null);
      });
    }
  };
  const hide = () => document.querySelectorAll(".both-en").forEach((node) => node.remove());

  const set = async (on) => {
    hide();
    if (on) {
      try {
        await show();
      } catch {
        on = false;
        button.textContent = "英文页面暂时打不开";
      }
    }
    button.setAttribute("aria-pressed", on);
  };
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.textContent = "对照英文";
    remember(on);
    set(on);
  });
  bar.hidden = false;
  if (remembered()) set(true);
})();
