// Reading aids: figures enlarge, and headings, figures and tables have a link that can be copied. Without this script
// figures stand as they are, and the links lead to their places.
(() => {
  const chinese = document.documentElement.lang.startsWith("zh");
  const words = chinese
    ? { enlarge: "放大", close: "关闭", copied: "链接已复制", link: "复制链接" }
    : { enlarge: "Enlarge", close: "Close", copied: "Link copied", link: "Copy link" };

  const button = (className, label) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = `${className} only-web`;
    made.title = label;
    made.setAttribute("aria-label", label);
    return made;
  };

  // A figure moves into a dialog and back: a copy would repeat the ids that its drawing refers to.
  const dialog = document.createElement("dialog");
  const frame = document.createElement("div");
  const close = button("figure-close", words.close);
  dialog.className = "figure-dialog only-web";
  frame.className = "figure-frame";
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  dialog.append(close, frame);
  let putBack = null;
  const enlarge = (figure) => {
    const drawings = [...figure.querySelectorAll(":scope > svg, :scope > img, .figure-wide > svg")];
    const places = drawings.map((drawing) => {
      const place = document.createElement("div");    // as high as the drawing, so that the page stays where it is
      place.style.height = `${drawing.getBoundingClientRect().height}px`;
      drawing.replaceWith(place);
      return place;
    });
    frame.replaceChildren(...drawings);
    dialog.setAttribute("aria-label", figure.querySelector("figcaption")?.textContent.trim() ?? words.enlarge);
    putBack = () => places.forEach((place, index) => place.replaceWith(drawings[index]));
    dialog.showModal();
  };
  dialog.addEventListener("close", () => { putBack?.(); putBack = null; });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  close.addEventListener("click", () => dialog.close());

  const figures = document.querySelectorAll("article figure.book-figure");
  if (figures.length && dialog.showModal) {
    document.querySelector("article").append(dialog);
    for (const figure of figures) {
      const open = button("figure-open", words.enlarge);
      open.setAttribute("aria-haspopup", "dialog");
      open.addEventListener("click", () => enlarge(figure));
      figure.append(open);
    }
  }

  // Paper is white: a page in the dark scheme is printed in the light one. Without scripts there is only the light one.
  let scheme;
  addEventListener("beforeprint", () => { scheme = document.body.dataset.mdColorScheme; document.body.dataset.mdColorScheme = "default"; });
  addEventListener("afterprint", () => { document.body.dataset.mdColorScheme = scheme; });

  // What scrolls sideways can be reached with the keyboard; what does not is no stop on the way.
  const reach = () => {
    for (const box of document.querySelectorAll("article pre > code, article div.math, article .figure-wide, article .tabbed-labels, article .md-typeset__scrollwrap:not(.table-wrap *, .chart-values *)")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("load", () => {
    reach();
    // The theme's copy buttons each stand in a landmark of navigation, which they are not.
    document.querySelectorAll(".md-code__nav").forEach((nav) => nav.setAttribute("role", "presentation"));
  });
  addEventListener("resize", reach);

  for (const caption of document.querySelectorAll("article figure[id] > figcaption")) {
    const link = document.createElement("a");
    link.className = "headerlink only-web";
    link.href = `#${caption.parentNode.id}`;
    link.title = words.link;
    link.setAttribute("aria-label", `${words.link}: ${caption.querySelector(".caption-number")?.textContent ?? ""}`);
    link.textContent = "¶";
    caption.append(" ", link);
  }

  const said = document.createElement("div");
  said.className = "book-said only-web";
  said.setAttribute("role", "status");
  document.body.append(said);
  let fading;
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a.headerlink");
    if (!link) return;
    try {
      await navigator.clipboard.writeText(link.href);
    } catch {
      return;    // not allowed here: the address bar has the link
    }
    said.textContent = words.copied;
    clearTimeout(fading);
    fading = setTimeout(() => { said.textContent = ""; }, 2500);
  });
})();
