// The theme opens navigation and search in a narrow window, and changes the colours, by labels of hidden boxes, which only
// the mouse reaches. Here the labels become buttons, for the keyboard, for screen readers and for a desk with a large zoom.
(() => {
  const chinese = document.documentElement.lang.startsWith("zh");
  const words = chinese ? { open: "打开导航", search: "搜索", back: "返回" } : { open: "Open the navigation", search: "Search", back: "Back" };
  const seen = (node) => node.checkVisibility({ visibilityProperty: true });

  // A button in the place of a label. It keeps the label's classes and `for`, by which the theme's style knows it.
  const button = (label, name) => {
    const made = document.createElement("button");
    for (const { name: key, value } of label.attributes) made.setAttribute(key, value);
    made.type = "button";
    made.setAttribute("aria-label", name);
    made.append(...label.childNodes);
    made.addEventListener("click", () => document.getElementById(label.htmlFor).click());
    label.replaceWith(made);
    return made;
  };
  const opening = (label, name) => {
    const made = button(label, name), box = document.getElementById(label.htmlFor);
    const say = () => made.setAttribute("aria-expanded", box.checked);
    box.addEventListener("change", say);
    say();
    return made;
  };

  // Light and dark: of two buttons the one that changes is there, and the focus goes with it.
  const schemes = [...document.querySelectorAll("label.md-header__button[for^='__palette']")].map((label) => button(label, label.title));
  for (const scheme of schemes) {
    scheme.addEventListener("keydown", (event) => event.stopPropagation());    // the theme would take Enter for a second click
    scheme.addEventListener("click", () => schemes.find((each) => !each.hidden)?.focus());
  }
  for (const option of document.querySelectorAll(".md-option")) option.hidden = true;

  // The search: in a small window the button opens it, and its field, which is not seen before, is no stop. Escape leads back.
  const searching = document.getElementById("__search"), field = document.querySelector(".md-search__input");
  const searcher = document.querySelector("label.md-header__button[for='__search']");
  if (searching && field && searcher) {
    opening(searcher, words.search);
    const small = matchMedia("(max-width: 59.9844em)");
    const stops = () => { field.tabIndex = small.matches ? -1 : 0; };
    small.addEventListener("change", stops);
    stops();
    let before = null;
    field.addEventListener("focus", ({ relatedTarget }) => { if (relatedTarget && !field.closest(".md-search").contains(relatedTarget)) before = relatedTarget; });
    addEventListener("keydown", ({ key }) => { if (key === "Escape" && searching.checked) setTimeout(() => before?.focus()); }, true);
  }

  // The navigation: it takes the focus when the keyboard opens it, and closes when the focus leaves it or on Escape.
  const drawer = document.getElementById("__drawer"), side = document.querySelector(".md-sidebar--primary");
  const label = document.querySelector("label.md-header__button[for='__drawer']");
  if (!drawer || !side || !label) return;
  const opener = opening(label, words.open);
  drawer.addEventListener("change", () => {
    if (drawer.checked && opener.matches(":focus-visible")) [...side.querySelectorAll("a[href], button")].find(seen)?.focus();
  });
  side.addEventListener("focusout", ({ relatedTarget }) => {
    if (drawer.checked && relatedTarget && !side.contains(relatedTarget)) drawer.click();
  });
  addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !drawer.checked) return;
    drawer.click();
    opener.focus();
  });

  // Its folders: a button beside a part's link opens the list of its chapters, whose head leads back; on a wide screen all lists are open.
  const narrow = matchMedia("(max-width: 76.2344em)"), buttons = [];
  for (const arrow of side.querySelectorAll("label.md-nav__link[for]")) {
    const head = side.querySelector(`label.md-nav__title[for="${arrow.htmlFor}"]`);
    const name = (head ?? arrow).textContent.trim();
    const into = opening(arrow, name), back = head && button(head, `${words.back}: ${name}`);
    into.addEventListener("click", () => back && seen(back) && back.focus());
    back?.addEventListener("click", () => into.focus());
    buttons.push(into, ...(back ? [back] : []));
  }
  const reach = () => { for (const each of buttons) each.tabIndex = narrow.matches ? 0 : -1; };
  narrow.addEventListener("change", reach);
  reach();
})();
