// Bytes and texts: base64url, base58, gzip, SHA-256, canonical JSON (RFC 8785).

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const MAX_LIST_BYTES = 4 * 1024 * 1024;

export const utf8 = (text) => new TextEncoder().encode(text);
export const text = (bytes) => new TextDecoder('utf-8', {fatal: true}).decode(bytes);

export function base64url(value) {
  if (!/^[A-Za-z0-9_-]*$/.test(value)) throw new Error('base64url');
  const binary = atob(value.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

export function base58(value) {
  const bytes = [];
  if (value.length > 200) throw new Error('base58');
  for (const letter of value) {
    let carry = BASE58.indexOf(letter);
    if (carry < 0) throw new Error('base58');
    for (let at = 0; at < bytes.length; at += 1) {
      carry += bytes[at] * 58;
      bytes[at] = carry & 0xff;
      carry >>= 8;
    }
    for (; carry; carry >>= 8) bytes.push(carry & 0xff);
  }
  for (const letter of value) {
    if (letter !== '1') break;
    bytes.push(0);
  }
  return Uint8Array.from(bytes.reverse());
}

/** The 32 bytes of an Ed25519 Multikey, or null for any other key. */
export function ed25519Key(multibase) {
  const bytes = typeof multibase === 'string' && multibase[0] === 'z' ? base58(multibase.slice(1)) : [];
  return bytes.length === 34 && bytes[0] === 0xed && bytes[1] === 0x01 ? bytes.slice(2) : null;
}

/** Unpacks gzip, at most 4 MiB. */
export async function gunzip(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_LIST_BYTES) {
      await reader.cancel();
      throw new Error('too large');
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** RFC 8785: members in the order of their UTF-16 names, numbers as ECMAScript writes them. */
export function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value && typeof value === 'object') {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
