// What autosave needs of a form and of this device's storage.

// The form's visible text fields, as one string that can be compared and sent.
export function content(form) {
  const fields = new URLSearchParams();
  const hidden = new Set([...form.querySelectorAll("[type=hidden]")].map((field) => field.name));
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && !hidden.has(name)) fields.append(name, value);
  }
  return fields.toString();
}

// What is posted: that string, the form's hidden fields (CSRF token) and the version it was based on.
export function body(form, text, version) {
  const fields = new URLSearchParams(text);
  for (const field of form.querySelectorAll("[type=hidden]")) fields.set(field.name, field.value);
  fields.set("version", version);
  return fields;
}

// On opening: a copy of this very version is put back; one of an older version is asked about.
export function recover(copy, clean, version, host) {
  const kept = copy.read();
  if (kept && kept.content !== clean) {
    if (kept.version === version) return host.putBack(kept);
    copy.older.keep(kept.version, kept.content);
  }
  copy.forget();
  const older = copy.older.read();
  if (older) host.ask(older);
}

// Puts a string made by content() back into the form.
export function fill(form, text) {
  const values = new URLSearchParams(text);
  for (const field of form.elements) {
    if (!field.name || ["hidden", "file", "submit", "button"].includes(field.type)) continue;
    const given = values.getAll(field.name);
    if (["radio", "checkbox"].includes(field.type)) field.checked = given.includes(field.value);
    else if (given.length) field.value = given[0];
  }
}

// One draft's copy on this device; `older` holds one that the server has overtaken. In partitioned or private frames storage may throw:
// then the page itself is all we have.
export class Copy {
  // key: unique to the draft, or empty for no copy.
  constructor(key) {
    this.key = key || null;
  }

  get older() {
    return new Copy(this.key && `${this.key}:older`);
  }

  within(act) {
    try {
      return this.key ? act(localStorage) : null;
    } catch {
      return null;
    }
  }

  keep(version, text) {
    this.within((box) => box.setItem(this.key, JSON.stringify({ version, content: text })));
  }

  read() {
    return this.within((box) => JSON.parse(box.getItem(this.key)));
  }

  forget() {
    this.within((box) => box.removeItem(this.key));
  }
}
