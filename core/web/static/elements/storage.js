// <mp-keep> and <mp-ask>: state and nonce of a sign-in, kept by the LMS's page where this frame may
// keep no cookie (LTI postMessage Storage). Only messages to and from data-origin count.
const PATIENCE_MS = 2000;
const CHECK = "__Host-milepost-check=1";

// The LMS's page: around our frame, or behind our window.
const page = () => (window.parent === window ? window.opener : window.parent);

// A number used once, also where a page on plain http around us takes crypto.randomUUID away.
const fresh = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("-");

class PlatformStorage {
  constructor({ frame, origin }) {
    this.frame = frame;
    this.origin = origin;
    this.waiting = new Map();
    addEventListener("message", (event) => this.hear(event));
    this.id = fresh();
    // Holds nothing of anybody's, and the page around us may have another origin than data-origin.
    page()?.postMessage({ subject: "lti.capabilities", message_id: this.id }, "*");
  }

  put(key, value) {
    return this.send({ subject: "lti.put_data", key, value });
  }

  async get(key) {
    const { value } = await this.send({ subject: "lti.get_data", key });
    if (typeof value !== "string" || !value) throw new Error("nothing was kept");
    return value;
  }

  send(message) {
    return new Promise((resolve, reject) => {
      const sent = { ...message, message_id: fresh() };
      this.waiting.set(sent.message_id, { sent, resolve, reject });
      setTimeout(() => reject(new Error("no answer")), PATIENCE_MS);
      this.post(sent, this.frame);
    });
  }

  post(message, frame) {
    try {
      const target = frame === "_parent" ? page() : page().frames[frame];
      target.postMessage(message, this.origin);
    } catch {} // no such frame: the time-out says so
  }

  hear({ data, origin, source }) {
    if (typeof data !== "object" || data === null) return;
    if (data.subject === "lti.capabilities.response" && source === page()) return this.learn(data);
    const asked = this.waiting.get(data.message_id);
    if (origin !== this.origin || !asked || data.subject !== `${asked.sent.subject}.response`) return;
    this.waiting.delete(data.message_id);
    if (data.error) asked.reject(new Error(String(data.error.code)));
    else asked.resolve(data);
  }

  // What the LMS says it can do: without storage nobody waits, and another frame is asked as well.
  learn({ supported_messages: offered }) {
    if (!Array.isArray(offered)) return;
    for (const { sent, reject } of this.waiting.values()) {
      const found = offered.find((one) => one?.subject === sent.subject);
      if (!found) reject(new Error("not offered"));
      else if (found.frame && found.frame !== this.frame) this.post(sent, found.frame);
    }
  }
}

// Whether this frame keeps a cookie; then the one that came with this page is there as well.
function keepsCookies() {
  try {
    document.cookie = `${CHECK}; Path=/; Secure; SameSite=None; Partitioned; Max-Age=60`;
    return document.cookie.includes(CHECK);
  } catch {
    return false;
  }
}

class Keep extends HTMLElement {
  async connectedCallback() {
    const { stateKey, state, nonceKey, nonce } = this.dataset;
    const storage = new PlatformStorage(this.dataset);
    const kept = Promise.allSettled([storage.put(stateKey, state), storage.put(nonceKey, nonce)]);
    if (!keepsCookies()) await kept;
    location.replace(this.querySelector("a").href);
  }
}

class Ask extends HTMLElement {
  async connectedCallback() {
    const { stateKey, nonceKey } = this.dataset;
    const { elements } = this.querySelector("form");
    try {
      const storage = new PlatformStorage(this.dataset);
      const [state, nonce] = await Promise.all([storage.get(stateKey), storage.get(nonceKey)]);
      elements.stored_state.value = state;
      elements.stored_nonce.value = nonce;
      for (const key of [stateKey, nonceKey]) storage.put(key, null).catch(() => {});
      this.querySelector("form").submit();
    } catch {
      this.querySelector("[data-waiting]").hidden = true;
      this.querySelector("[data-silent]").hidden = false;
    }
  }
}

customElements.define("mp-keep", Keep);
customElements.define("mp-ask", Ask);
