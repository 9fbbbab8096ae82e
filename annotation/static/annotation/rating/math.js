/* KaTeX, fetched when the first formula comes. A formula that fails keeps its source. */

// Macros that expand without end, and sizes that would cover the page.
const OPTIONS = { trust: false, strict: "ignore", maxExpand: 500, maxSize: 20, throwOnError: true };

// A pair waits no longer for KaTeX; it then shows the sources of its formulas.
const PATIENCE_MS = 5000;

let loading = null;

export async function typeset(root, addresses) {
  const formulas = [...root.querySelectorAll(".math")];
  if (formulas.length === 0) {
    return;
  }
  let katex;
  try {
    loading ??= load(addresses);
    katex = await Promise.race([loading, tooLong()]);
  } catch {
    loading = null; // the next pair tries again; this one shows the sources
    return;
  }
  for (const formula of formulas) {
    const source = formula.textContent;
    const holder = document.createElement("span");
    try {
      katex.render(source, holder, {
        ...OPTIONS,
        output: "htmlAndMathml",
        displayMode: formula.classList.contains("display"),
      });
    } catch {
      formula.classList.add("failed");
      continue;
    }
    formula.replaceChildren(...holder.childNodes);
  }
}

function tooLong() {
  return new Promise((resolve, reject) => {
    setTimeout(reject, PATIENCE_MS);
  });
}

function load({ script, style }) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = style;
  const code = document.createElement("script");
  code.src = script;
  const loaded = [link, code].map(
    (element) =>
      new Promise((resolve, reject) => {
        element.addEventListener("load", resolve, { once: true });
        element.addEventListener("error", reject, { once: true });
      }),
  );
  document.head.append(link, code);
  return Promise.all(loaded).then(() => globalThis.katex);
}
