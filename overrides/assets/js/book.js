// The language switch keeps the reader's place: both languages have the same anchors.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.book-language");
  if (link) link.hash = location.hash;
});
