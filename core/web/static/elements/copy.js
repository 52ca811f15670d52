// <mp-copy>: copies the input inside it. In frames without the clipboard permission it selects instead.
class Copy extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    this.button = this.querySelector("button");
    this.status = this.querySelector("[role=status]");
    if (!this.input || !this.button) return;
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.copy());
    this.input.addEventListener("focus", () => this.input.select());
  }

  async copy() {
    const copied = await this.byClipboard();
    this.status.textContent = copied ? this.dataset.copied : this.dataset.select;
  }

  async byClipboard() {
    try {
      await navigator.clipboard.writeText(this.input.value);
      return true;
    } catch {
      this.input.focus();
      this.input.select();
      try {
        return document.execCommand("copy");
      } catch {
        return false;
      }
    }
  }
}
customElements.define("mp-copy", Copy);
