// Sorts the tables of a report by the column whose header is pressed. Without this script they
// stand in the order of the report, complete.

const LOCALE = "en";

function keyOf(row, column, kind) {
  const cell = row.cells[column];
  const value = cell.dataset.value ?? cell.textContent.trim();
  if (kind === "text") {
    return value;
  }
  const number = Number.parseFloat(value.replaceAll(",", ""));
  return Number.isNaN(number) ? null : number;
}

function compare(first, second) {
  return typeof first === "string"
    ? first.localeCompare(second, LOCALE, { numeric: true })
    : first - second;
}

function sortBody(body, column, kind, direction) {
  const rows = Array.from(body.rows, (row) => [keyOf(row, column, kind), row]);
  // What has no value stays at the end, whichever way the rest is sorted.
  const known = rows.filter(([key]) => key !== null);
  const unknown = rows.filter(([key]) => key === null);
  known.sort(([first], [second]) => direction * compare(first, second));
  body.append(...[...known, ...unknown].map(([, row]) => row));
}

function sort(table, header, column) {
  const kind = header.dataset.sort;
  const was = header.getAttribute("aria-sort");
  // Numbers begin with the largest, names with the first.
  const first = kind === "text" ? "ascending" : "descending";
  const second = kind === "text" ? "descending" : "ascending";
  const now = was === first ? second : first;
  for (const other of table.tHead.rows[0].cells) {
    other.removeAttribute("aria-sort");
  }
  header.setAttribute("aria-sort", now);
  for (const body of table.tBodies) {
    sortBody(body, column, kind, now === "ascending" ? 1 : -1);
  }
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    if (!header.dataset.sort) {
      return;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(table, header, column));
  });
}
