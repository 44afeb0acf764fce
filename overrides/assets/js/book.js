// The language switch keeps the reader's place: both languages have the same anchors.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.book-language");
  if (link) link.hash = location.hash;
});

// A term's tip: set under its word and inside the window; Escape puts it away; on a touch screen the first tap shows it.
const place = (term) => {
  const tip = term.nextElementSibling;
  tip.classList.remove("put-away");
  requestAnimationFrame(() => {
    const word = term.getClientRects()[0], frame = tip.offsetParent?.getBoundingClientRect();
    if (!word || !frame) return;
    const left = Math.max(8, Math.min(word.left, document.documentElement.clientWidth - tip.offsetWidth - 8));
    tip.style.setProperty("--tip-left", `${left - frame.left}px`);
    tip.style.setProperty("--tip-top", `${word.bottom - frame.top}px`);
  });
};
const putAway = (except) => document.querySelectorAll("a.term").forEach((term) => {
  if (term === except) return;
  term.classList.remove("tapped");
  if (!except) term.nextElementSibling.classList.add("put-away");
});
for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, (event) => {
  const term = event.target.closest?.("a.term");
  if (term) place(term);
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") putAway(); });
document.addEventListener("click", (event) => {
  const term = event.target.closest("a.term");
  putAway(term ?? document.body);
  if (term && event.pointerType === "touch" && !term.classList.contains("tapped")) {
    event.preventDefault();
    term.classList.add("tapped");
    place(term);
  }
});
