// Finds the badge in what was given: a token, JSON, or a PNG or SVG that holds one.

import {base64url, text as decode} from './encoding.js';

export const MAX_BYTES = 5 * 1024 * 1024;
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEYWORD = 'openbadgecredential';
const NAMESPACE = 'https://purl.imsglobal.org/ob/v3p0';
const REGISTERED = ['iss', 'jti', 'nbf', 'sub', 'exp', 'iat', 'aud'];

/** Why nothing could be read; `code` is one of the page's words. */
export class Unreadable extends Error {
  constructor(code, params = {}) {
    super(code);
    this.code = code;
    this.params = params;
  }
}

/** The badge in bytes: {document, token}, token null for JSON. */
export function readBytes(bytes) {
  if (bytes.length > MAX_BYTES) throw new Unreadable('read.large');
  if (PNG.every((byte, at) => bytes[at] === byte)) return readText(fromPng(bytes));
  let found;
  try {
    found = decode(bytes);
  } catch {
    throw new Unreadable('read.unknown');
  }
  return readText(found);
}

/** The badge in a text: a token, JSON or an SVG. */
export function readText(given) {
  const found = given.replace(/^\ufeff/, '').trim();
  if (found.length > MAX_BYTES) throw new Unreadable('read.large');
  if (!found) throw new Unreadable('read.empty');
  if (found.startsWith('<')) return readText(fromSvg(found));
  if (found.startsWith('eyJ') && found.split('.').length === 3) return fromToken(found);
  try {
    const document = JSON.parse(found);
    if (document && typeof document === 'object' && !Array.isArray(document)) {
      return {document, token: null};
    }
  } catch { /* said below */ }
  throw new Unreadable('read.unknown');
}

/** A token taken apart and not yet trusted; its document is the payload without its claims. */
export function fromToken(compact) {
  const parts = compact.split('.');
  try {
    const [header, payload] = parts.slice(0, 2).map((part) => JSON.parse(decode(base64url(part))));
    const kept = Object.entries(payload).filter(([name]) => !REGISTERED.includes(name));
    const token = {header, payload, signed: `${parts[0]}.${parts[1]}`, signature: base64url(parts[2])};
    return {document: Object.fromEntries(kept), token};
  } catch {
    throw new Unreadable('read.unknown');
  }
}

function fromPng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let found = null;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (body.length < length) break;
    const text = kind === 'iTXt' ? credentialIn(body) : null;
    if (text !== null && found !== null) throw new Unreadable('read.damaged');
    found = text ?? found;
    at += length + 12;
  }
  if (found === null) throw new Unreadable('read.no_badge');
  return found;
}

function credentialIn(body) {
  const end = body.indexOf(0);
  if (String.fromCharCode(...body.subarray(0, Math.min(Math.max(end, 0), 80))) !== KEYWORD) return null;
  if (body[end + 1] !== 0) throw new Unreadable('read.damaged'); // compressed, which is not allowed
  const language = body.indexOf(0, end + 3);
  const keyword = language < 0 ? -1 : body.indexOf(0, language + 1);
  if (keyword < 0) throw new Unreadable('read.damaged');
  try {
    return decode(body.subarray(keyword + 1));
  } catch {
    throw new Unreadable('read.damaged');
  }
}

function fromSvg(source) {
  if (/<!(DOCTYPE|ENTITY)/i.test(source)) throw new Unreadable('read.damaged');
  const parsed = new DOMParser().parseFromString(source, 'image/svg+xml');
  if (parsed.querySelector('parsererror')) throw new Unreadable('read.damaged');
  const places = parsed.getElementsByTagNameNS(NAMESPACE, 'credential');
  if (places.length > 1) throw new Unreadable('read.damaged');
  if (!places.length) throw new Unreadable('read.no_badge');
  const found = (places[0].getAttribute('verify') || places[0].textContent).trim();
  if (!found || found.startsWith('<')) throw new Unreadable('read.damaged');
  return found;
}
