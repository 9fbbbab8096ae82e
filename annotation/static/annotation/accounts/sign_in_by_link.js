// A person who opens the link meant to sign in: press the button for them. Programs that only
// fetch the address run no script, and so do not use the link up.
const form = document.querySelector("#sign-in-by-link[data-continue]");
if (form) {
  form.requestSubmit();
}
