/* Typing goes on where a list is shown anew around a field that stays (`hx-preserve`).

   Browsers that cannot move an element within a document take it out for a moment, and with that
   the focus and the cursor away from it. */

let typing = null;

document.addEventListener("htmx:beforeSwap", () => {
  const field = document.activeElement;
  typing = field?.matches("input[hx-preserve]")
    ? { id: field.id, start: field.selectionStart, end: field.selectionEnd }
    : null;
});

document.addEventListener("htmx:afterSwap", () => {
  const field = typing && document.getElementById(typing.id);
  if (field && field !== document.activeElement) {
    field.focus({ preventScroll: true });
    field.setSelectionRange(typing.start, typing.end);
  }
  typing = null;
});
