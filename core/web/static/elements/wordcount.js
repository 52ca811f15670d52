// <mp-wordcount for="id">: keeps the counted line under a textarea current; read out after a pause.
const PAUSE_MS = 900;

class WordCount extends HTMLElement {
  connectedCallback() {
    this.field = document.getElementById(this.getAttribute("for"));
    this.line = this.querySelector("p");
    if (!this.field || !this.line) return;
    this.line.setAttribute("aria-live", "polite");
    this.field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.count(), PAUSE_MS);
    });
  }

  count() {
    const { few, fine, many, least, most } = this.dataset;
    const count = this.field.value.split(/\s+/).filter(Boolean).length;
    const text = least && count < Number(least) ? few : most && count > Number(most) ? many : fine;
    this.line.textContent = text.replace("{count}", count);
  }
}
customElements.define("mp-wordcount", WordCount);
