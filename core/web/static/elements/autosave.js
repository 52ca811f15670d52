// <mp-autosave data-url data-version data-key>: saves the form around it as the person goes.
// What cannot be saved is kept on this device until it can; it is removed as soon as it is saved.
import { Copy, body, content, fill, recover } from "./draft.js";
import { Notes } from "./notes.js";
const IDLE_MS = 1500;
const RETRY_MS = [5000, 10000, 20000, 40000, 60000];
const KEEPALIVE_BYTES = 60000; // browsers refuse more than 64 KB from a page that closes

class Autosave extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form") ?? this.querySelector("form");
    this.line = this.querySelector(".saved");
    if (!this.form || !this.line) return;
    this.copy = new Copy(this.dataset.key && `milepost:${this.dataset.key}`);
    this.notes = new Notes(this, this.form);
    this.tries = 0;
    this.clean = content(this.form);
    recover(this.copy, this.clean, this.dataset.version, this);
    for (const kind of ["input", "change"]) this.form.addEventListener(kind, () => this.later());
    this.form.addEventListener("focusout", () => this.now());
    this.form.addEventListener("submit", () => this.hold());
    addEventListener("online", () => this.now());
    addEventListener("pageshow", () => (this.held = false));
    addEventListener("pagehide", () => this.now(true));
    document.addEventListener("visibilitychange", () => document.hidden && this.now(true));
  }

  later() {
    if (this.stuck) return this.keep(content(this.form));
    this.say(this.dataset.unsaved, "dirty");
    this.wait(IDLE_MS);
  }

  wait(time) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), time);
  }

  hold() {
    this.held = true; // the form itself is on its way
    clearTimeout(this.timer);
  }

  async now(closing = false) {
    const text = content(this.form);
    if (this.held || this.stuck || text === this.clean) return;
    if (this.busy) return closing ? this.keep(text) : this.wait(IDLE_MS);
    clearTimeout(this.timer);
    this.busy = true;
    this.say(this.dataset.saving, "dirty");
    const sent = body(this.form, text, this.dataset.version);
    const keepalive = closing && sent.toString().length < KEEPALIVE_BYTES;
    if (closing) this.keep(text);
    try {
      const headers = { Accept: "application/json" };
      const how = { method: "POST", body: sent, keepalive, headers };
      await this.heard(await fetch(this.dataset.url, how), text);
    } catch {
      this.offline(text);
    } finally {
      this.busy = false;
    }
  }

  async heard(answer, text) {
    const said = await answer.json().catch(() => ({}));
    if (answer.status >= 500 || answer.status === 429) return this.offline(text);
    if (!answer.ok || !said.saved) {
      return this.refuse(answer.status === 409 ? "conflict" : "refused", said, text);
    }
    this.tries = 0;
    this.clean = text;
    this.dataset.version = said.version ?? this.dataset.version;
    for (const field of this.form.querySelectorAll("[name=version]")) field.value = this.dataset.version;
    this.copy.forget();
    this.notes.clear();
    this.say(said.saved, "saved");
    if (content(this.form) !== text) this.later(); // typed meanwhile
  }

  offline(text) {
    this.keep(text);
    this.say(this.dataset.offline, "offline");
    this.notes.show("offline");
    this.wait(RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)]);
  }

  refuse(kind, said, text) {
    this.stuck = true;
    this.keep(text);
    this.say("", "offline");
    this.line.append(this.notes.link(this.dataset.stuck));
    this.notes.show(kind, said.message, said.url ?? location.href);
  }

  say(text, state) {
    this.line.textContent = text;
    this.line.dataset.state = state;
  }

  keep(text) {
    this.copy.keep(this.dataset.version, text);
  }

  // The server has a newer version: the person decides, so that neither text is lost unseen.
  ask(older) {
    this.notes.ask("kept", (wanted) => {
      this.copy.older.forget();
      if (wanted) this.putBack(older);
    });
  }

  putBack(kept) {
    fill(this.form, kept.content);
    this.notes.show("back");
    this.later();
  }
}
customElements.define("mp-autosave", Autosave);
