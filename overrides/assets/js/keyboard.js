// In a narrow window, and on a desk with a large zoom, the theme opens navigation and search by labels, which only the
// mouse reaches. Here they become buttons, for the keyboard and for screen readers.
(() => {
  const chinese = document.documentElement.lang.startsWith("zh");
  const words = chinese ? { open: "打开导航", search: "搜索", back: "返回" } : { open: "Open the navigation", search: "Search", back: "Back" };
  const drawer = document.getElementById("__drawer");
  const side = document.querySelector(".md-sidebar--primary");
  const narrow = matchMedia("(max-width: 76.2344em)");
  const first = (box) => [...box.querySelectorAll("a[href], button")].find((node) => node.checkVisibility({ visibilityProperty: true }));

  // A button in the place of a label; it keeps the label's classes and `for`, by which the theme's style knows it.
  const button = (label, name) => {
    const box = document.getElementById(label.htmlFor), made = document.createElement("button");
    for (const { name, value } of label.attributes) made.setAttribute(name, value);
    made.type = "button";
    made.setAttribute("aria-label", name);
    made.append(...label.childNodes);
    made.addEventListener("click", () => box.click());
    const say = () => made.setAttribute("aria-expanded", box.checked);
    box.addEventListener("change", say);
    say();
    label.replaceWith(made);
    return made;
  };

  const opener = document.querySelector("label.md-header__button[for='__drawer']");
  const searcher = document.querySelector("label.md-header__button[for='__search']");
  if (searcher) button(searcher, words.search);
  const field = document.querySelector(".md-search__input");
  const phone = matchMedia("(max-width: 59.9844em)");    // there the button opens the search, and the field is not seen before
  const fieldStops = () => { if (field) field.tabIndex = phone.matches ? -1 : 0; };
  phone.addEventListener("change", fieldStops);
  fieldStops();
  if (!opener || !drawer || !side) return;
  const open = button(opener, words.open);

  // A folder's arrow stands beside its link; at the head of its own list its name leads back. On a wide screen neither is shown.
  const folders = [...side.querySelectorAll("label.md-nav__link[for]")].map((label) => button(label, label.parentNode.querySelector("a, .md-ellipsis").textContent.trim()));
  const backs = [...side.querySelectorAll("label.md-nav__title[for]:not([for='__drawer'])")].map((label) => button(label, `${words.back}: ${label.textContent.trim()}`));
  const reach = () => { for (const each of [...folders, ...backs]) each.tabIndex = narrow.matches ? 0 : -1; };
  narrow.addEventListener("change", reach);
  reach();

  drawer.addEventListener("change", () => {
    if (drawer.checked && open.matches(":focus-visible")) first(side)?.focus();
  });
  side.addEventListener("focusout", ({ relatedTarget }) => {
    if (drawer.checked && relatedTarget && !side.contains(relatedTarget)) drawer.click();
  });
  side.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drawer.checked) return;
    drawer.click();
    open.focus();
  });
})();
