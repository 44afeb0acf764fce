// In a narrow window, and on a desk with a large zoom, the theme's buttons are labels, made for the mouse. Here they get
// names and stops for the keyboard; the theme itself takes Enter on a label for a click.
(() => {
  const chinese = document.documentElement.lang.startsWith("zh");
  const words = chinese ? { open: "打开导航", search: "搜索", back: "返回" } : { open: "Open the navigation", search: "Search", back: "Back" };
  const drawer = document.getElementById("__drawer");
  const side = document.querySelector(".md-sidebar--primary");
  const narrow = matchMedia("(max-width: 76.2344em)");
  const first = (box) => [...box.querySelectorAll("a[href], label[tabindex]")].find((node) => node.checkVisibility({ visibilityProperty: true }));

  const button = (label, name) => {
    const box = document.getElementById(label.htmlFor);
    const say = () => label.setAttribute("aria-expanded", box.checked);
    label.setAttribute("role", "button");
    if (name) label.setAttribute("aria-label", name);
    box.addEventListener("change", say);
    say();
    label.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      label.click();
    });
  };

  const opener = document.querySelector("label.md-header__button[for='__drawer']");
  const searcher = document.querySelector("label.md-header__button[for='__search']");
  if (opener) button(opener, words.open);
  if (searcher) button(searcher, words.search);
  for (const label of [opener, searcher]) if (label) label.tabIndex = 0;
  if (!drawer || !side || !opener) return;

  // A folder's label stands beside its link, or is its name; at the head of its own list it leads back.
  const folders = side.querySelectorAll("label.md-nav__link[for], label.md-nav__title[for]:not([for='__drawer'])");
  for (const label of folders) button(label, label.matches(".md-nav__title") ? `${words.back}: ${label.textContent.trim()}` : label.parentNode.textContent.trim());
  const reach = () => { for (const label of folders) label.tabIndex = narrow.matches ? 0 : -1; };
  narrow.addEventListener("change", reach);
  addEventListener("load", reach);    // the theme looks for stops of its own before that

  const show = (open) => {
    if (drawer.checked !== open) opener.click();
  };
  drawer.addEventListener("change", () => {
    if (drawer.checked && opener.matches(":focus-visible")) first(side)?.focus();
  });
  side.addEventListener("focusout", ({ relatedTarget }) => {
    if (drawer.checked && relatedTarget && !side.contains(relatedTarget)) show(false);
  });
  side.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drawer.checked) return;
    show(false);
    opener.focus();
  });
})();
