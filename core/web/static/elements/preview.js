// <mp-preview for="form" data-url>: draws the picture anew while the form is being filled in.
// Without script the form's own button does the same. Asks with the form's fields in `data-fields`;
// the server answers {image, note}, or {message} where there is nothing to draw.
const PAUSE_MS = 250;

class Preview extends HTMLElement {
  connectedCallback() {
    this.form = document.getElementById(this.getAttribute("for"));
    this.note = this.querySelector("[data-note]");
    if (!this.form || !this.note) return;
    this.note.setAttribute("role", "status");
    for (const plain of this.form.querySelectorAll("[data-plain]")) plain.hidden = true;
    this.form.addEventListener("input", () => this.soon());
    this.form.addEventListener("click", (event) => this.pair(event));
    this.form.addEventListener("submit", (event) => {
      if (event.submitter?.value !== "show") return;
      event.preventDefault();
      this.show();
    });
  }

  // A button with two colours fills both fields instead of sending the form.
  pair(event) {
    const button = event.target.closest("button[name=pair]");
    if (!button) return;
    event.preventDefault();
    const [primary, accent] = button.value.split(",");
    this.form.elements.primary.value = primary;
    this.form.elements.accent.value = accent;
    this.soon();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show(), PAUSE_MS);
  }

  async show() {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const all = new FormData(this.form);
    const fields = this.dataset.fields.split(" ").map((name) => [name, all.get(name) ?? ""]);
    try {
      const answer = await fetch(`${this.dataset.url}?${new URLSearchParams(fields)}`, {
        headers: { Accept: "application/json" },
        signal: asking.signal,
      });
      const said = await answer.json();
      if (asking.signal.aborted) return;
      this.note.textContent = said.note ?? said.message ?? this.dataset.lost;
      this.note.classList.toggle("field__error", !said.image);
      if (said.image) this.draw(said.image);
    } catch (fault) {
      if (fault.name !== "AbortError") this.note.textContent = this.dataset.lost;
    }
  }

  draw(address) {
    for (const image of this.querySelectorAll("img")) {
      image.src = address;
      image.hidden = false;
    }
  }
}
customElements.define("mp-preview", Preview);
