// The one entry: puts the error summary in focus and loads the elements that this page uses.
const known = ["autosave", "close", "copy", "frame", "keys", "preview", "ready", "upload", "wordcount"];

document.querySelector(".errors[tabindex]")?.focus();
for (const name of known) {
  if (document.querySelector(`mp-${name}`)) import(`./elements/${name}.js`);
}
