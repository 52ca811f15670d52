// The notices of autosave, cloned from its templates (so that their words stay in the page's language).
export class Notes {
  constructor(host, form) {
    this.host = host;
    this.form = form;
  }

  // Shows one notice at the top of the form, in place of the one before.
  show(kind, message, url) {
    if (this.note?.dataset.kind === kind) return;
    this.clear();
    this.note = this.put(kind);
    this.note.id = "mp-note";
    if (message) this.note.querySelector("[data-message]").textContent = message;
    const link = this.note.querySelector("[data-link]");
    if (link) link.href = url;
  }

  // A notice that stays until one of its two buttons is pressed; `decided` hears true or false.
  ask(kind, decided) {
    const note = this.put(kind);
    for (const name of ["restore", "discard"]) {
      note.querySelector(`[data-${name}]`).addEventListener("click", () => {
        note.remove();
        decided(name === "restore");
      });
    }
  }

  put(kind) {
    const template = this.host.querySelector(`template[data-notice=${kind}]`);
    const note = template.content.firstElementChild.cloneNode(true);
    note.dataset.kind = kind;
    this.form.prepend(note);
    return note;
  }

  link(text) {
    const link = document.createElement("a");
    link.href = "#mp-note";
    link.textContent = text;
    return link;
  }

  clear() {
    this.note?.remove();
    this.note = null;
  }
}
