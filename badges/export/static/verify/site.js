// Reads this folder alone, whatever address it is served from: `origin` is the one badges name.

const MAX_ANSWER = 8 * 1024 * 1024;

export class Site {
  constructor(origin, root) {
    this.origin = origin;
    this.root = new URL(root, document.baseURI);
    this.kept = new Map();
  }

  /** Whether an address is one of this export's. */
  owns(address) {
    return typeof address === 'string' && address.startsWith(`${this.origin}/`);
  }

  /** The text at an address of the export, or null where there is none. */
  async text(address) {
    if (!this.owns(address)) return null;
    const path = address.slice(this.origin.length + 1).split(/[?#]/)[0];
    if (path.split('/').includes('..')) return null;
    if (!this.kept.has(path)) this.kept.set(path, this.#fetch(path));
    return this.kept.get(path);
  }

  /** The JSON object at an address, or null. */
  async json(address) {
    try {
      const value = JSON.parse(await this.text(address));
      return value && typeof value === 'object' && !Array.isArray(value) ? value : null;
    } catch {
      return null;
    }
  }

  /** The address of a did:web's document (W3C did:web, section 2), or null for any other. */
  didAddress(did) {
    const parts = typeof did === 'string' ? did.split('#')[0].split(':') : [];
    if (parts.length < 3 || parts[0] !== 'did' || parts[1] !== 'web') return null;
    const host = decodeURIComponent(parts[2]);
    const path = parts.length > 3 ? parts.slice(3).join('/') : '.well-known';
    // On loopback demonstrations the export's origin is http, while did:web always says https.
    return new URL(this.origin).host === host ? `${this.origin}/${path}/did.json` : null;
  }

  async #fetch(path) {
    try {
      const answer = await fetch(new URL(path, this.root), {credentials: 'omit', cache: 'no-cache'});
      if (!answer.ok) return null;
      const body = await answer.text();
      return body.length > MAX_ANSWER ? null : body;
    } catch {
      return null;
    }
  }
}
