// <mp-keys>: in the scoring form around it, a digit chooses that level of the criterion in focus.
const WRITING = "textarea, select, input:not([type=radio]):not([type=checkbox])";

class Keys extends HTMLElement {
  connectedCallback() {
    const form = this.closest("form");
    if (!form) return;
    this.hidden = false;
    form.addEventListener("keydown", (event) => this.choose(event));
  }

  choose(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[0-9]$/.test(event.key)) return;
    if (event.target.matches(WRITING)) return;
    const levels = event.target.closest("fieldset.levels");
    // The digit is the level's own value; where values are not digits it is their order.
    const radios = [...(levels?.querySelectorAll("input[type=radio]:enabled") ?? [])];
    const radio = radios.find((one) => one.value === event.key) ?? this.nth(radios, event.key);
    if (!radio) return;
    event.preventDefault();
    radio.focus();
    radio.click();
  }

  nth(radios, digit) {
    return radios.some((one) => /^[0-9]$/.test(one.value)) ? undefined : radios[digit - 1];
  }
}
customElements.define("mp-keys", Keys);
