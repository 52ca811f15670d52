// <mp-ready>: stands on a page that waits for the worker; loads the page anew once it has changed.
const LOOK_MS = 1500;
const LOOKS = 40; // a minute; afterwards the link on the page does

class Ready extends HTMLElement {
  connectedCallback() {
    this.looks = 0;
    this.later();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  later() {
    if (this.looks++ < LOOKS) this.timer = setTimeout(() => this.look(), LOOK_MS);
  }

  async look() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && !(await answer.text()).includes("<mp-ready")) return location.reload();
    } catch {} // offline: look again
    this.later();
  }
}
customElements.define("mp-ready", Ready);
