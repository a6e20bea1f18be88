"use strict";
// Tables are sorted by a click on the name of a column, or by Enter or Space on it. Empty fields stay at the end.
for (const table of document.querySelectorAll(".table table")) {
  const body = table.tBodies[0];
  const headers = Array.from(table.tHead.rows[0].cells);
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  headers.forEach((header, column) => {
    const isNumber = header.classList.contains("number");
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const falling = header.getAttribute("aria-sort") === "ascending";
      const rows = Array.from(body.rows, (row) => [row.cells[column].textContent, row]);
      rows.sort(([a], [b]) => {
        if (a === "" || b === "") return (a === "") - (b === "");
        const order = isNumber ? Number(a) - Number(b) : collator.compare(a, b);
        return falling ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", falling ? "descending" : "ascending");
    });
  });
}
