/* HTML from the server to nodes, through a second allow-list. The text was cleaned on the server;
   if that ever failed, nothing outside this list reaches the page. Parsing in an inert document
   runs no script and loads nothing. A test compares the list with annotation/rating/allow_list.py. */

const TAGS = new Set([
  "blockquote", "br", "code", "div", "em", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p",
  "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
]);
const ATTRIBUTES = new Set(["alt", "aria-label", "class", "dir", "role", "src", "start"]);
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/;

export function fragmentOf(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  for (const node of [...parsed.body.childNodes]) {
    fragment.append(...cleaned(node));
  }
  return fragment;
}

function cleaned(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    return [document.createTextNode(node.data)];
  }
  if (node.nodeType !== Node.ELEMENT_NODE) {
    return [];
  }
  const children = [...node.childNodes].flatMap(cleaned);
  const tag = node.localName;
  if (!TAGS.has(tag)) {
    return children; // the text of an unknown element stays
  }
  if (tag === "img" && !IMAGE.test(node.getAttribute("src") ?? "")) {
    return [document.createTextNode(node.getAttribute("alt") ?? "")];
  }
  const copy = document.createElement(tag);
  for (const { name, value } of node.attributes) {
    if (ATTRIBUTES.has(name) && (name !== "src" || tag === "img")) {
      copy.setAttribute(name, value);
    }
  }
  copy.append(...children);
  return [copy];
}
