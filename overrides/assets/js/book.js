// The language switch keeps the reader's place: both languages have the same anchors.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.book-language");
  if (link) link.hash = location.hash;
});

// A term's tip: set under or over its word, inside the window; Escape puts it away; on a touch screen the first tap shows it.
const tipOf = (term) => term.nextElementSibling?.matches(".term-tip") ? term.nextElementSibling : null;
const place = (term) => {
  const tip = tipOf(term);
  if (!tip) return;    // an English copy under the Chinese has none
  tip.classList.remove("put-away");
  requestAnimationFrame(() => {
    const word = term.getClientRects()[0], frame = tip.offsetParent?.getBoundingClientRect();
    if (!word || !frame) return;
    const left = Math.max(8, Math.min(word.left, document.documentElement.clientWidth - tip.offsetWidth - 8));
    tip.style.setProperty("--tip-left", `${left - frame.left}px`);
    const below = word.bottom + tip.offsetHeight < innerHeight || word.top < tip.offsetHeight + 60;
    tip.style.setProperty("--tip-top", `${(below ? word.bottom : word.top - tip.offsetHeight) - frame.top}px`);
  });
};
const putAway = (except) => {
  for (const term of document.querySelectorAll("a.term.tapped")) if (term !== except) term.classList.remove("tapped");
  if (!except) for (const tip of document.querySelectorAll(".term-tip")) tip.classList.add("put-away");
};
for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, (event) => {
  const term = event.target.closest?.("a.term");
  if (term) place(term);
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") putAway(); });
document.addEventListener("click", (event) => {
  const term = event.target.closest("a.term");
  putAway(term ?? document.body);
  if (term && event.pointerType === "touch" && !term.classList.contains("tapped") && tipOf(term)) {
    event.preventDefault();
    term.classList.add("tapped");
    place(term);
  }
});
