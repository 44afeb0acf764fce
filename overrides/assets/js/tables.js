// Tables of facts: sort by a column's head, filter by words. Without this script they are whole, in the book's order.
(() => {
  const chinese = document.documentElement.lang.startsWith("zh");
  const words = chinese
    ? { filter: "筛选", sort: "点击排序", rows: (shown, all) => `${shown} / ${all} 行` }
    : { filter: "Filter", sort: "Sort", rows: (shown, all) => `${shown} of ${all} rows` };
  const order = new Intl.Collator(document.documentElement.lang, { numeric: true, sensitivity: "base" });

  // A cell's own words, without notes, citations and what other sources say.
  const text = (cell) => [...cell.childNodes]
    .filter((node) => node.nodeName !== "SUP" && !(node.classList && node.classList.contains("also")))
    .map((node) => node.textContent).join("").trim();

  function compare(column, numeric, down) {
    return (one, other) => {
      const [a, b] = [one, other].map((row) => text(row.cells[column]));
      if (a === "–" || b === "–") return (a === "–") - (b === "–");   // the unknown stay last in both directions
      const difference = numeric
        ? parseFloat(a.replaceAll(",", "")) - parseFloat(b.replaceAll(",", "")) : order.compare(a, b);
      return down ? -difference : difference;
    };
  }

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const rows = [...body.rows];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "table-sort";
      button.title = words.sort;
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { null: "ascending", ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        const numeric = head.classList.contains("num");
        body.append(...(next ? [...rows].sort(compare(column, numeric, next === "descending")) : rows));
      });
    });
  }

  function filterable(table, tools) {
    const rows = [...table.tBodies[0].rows];
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("span");
    input.type = "search";
    input.autocomplete = "off";
    label.className = "table-filter";
    label.append(words.filter, " ", input);
    count.setAttribute("role", "status");
    count.className = "table-count";
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const content = row.textContent.toLowerCase();
        row.hidden = !wanted.every((word) => content.includes(word));
        shown += !row.hidden;
      }
      count.textContent = wanted.length ? words.rows(shown, rows.length) : "";
    });
    tools.prepend(label, count);
  }

  for (const figure of document.querySelectorAll("figure.book-table[data-table]")) {
    const table = figure.querySelector("table");
    if (table.tBodies[0].rows.length > 2) sortable(table);
    if (table.tBodies[0].rows.length > 7) filterable(table, figure.querySelector(".table-tools"));
  }
})();
