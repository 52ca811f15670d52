// The one entry: puts the error summary in focus and loads the elements that this page uses.
const known = ["autosave", "close", "copy", "frame", "keys", "preview", "ready", "upload", "wordcount"];

const summary = document.querySelector(".errors[tabindex]");
summary?.focus();
// A place in the address takes the focus away again once the page is there.
if (summary && location.hash) addEventListener("load", () => setTimeout(() => summary.focus()));
for (const name of known) {
  if (document.querySelector(`mp-${name}`)) import(`./elements/${name}.js`);
}
