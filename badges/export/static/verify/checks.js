// Checks a badge step by step. Names of steps and states are those of Milepost's reports.

import {base58, base64url, canonicalJson, ed25519Key, gunzip, hex, sha256, utf8} from './encoding.js';
import {fromToken} from './reading.js';

const ALGORITHMS = {
  RS256: {name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', kty: 'RSA'},
  ES256: {name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256', kty: 'EC'},
  EdDSA: {name: 'Ed25519', kty: 'OKP'},
};
const MATTERS = ['read', 'issuer', 'proof', 'status', 'time', 'recipient'];

const list = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);
const idOf = (value) => (value && typeof value === 'object' ? value.id : value);
const passed = (code, params) => ({step: code.split('.')[0], status: 'passed', code, params});
const failed = (code, params) => ({step: code.split('.')[0], status: 'failed', code, params});
const open = (code, params) => ({step: code.split('.')[0], status: 'not_possible', code, params});

/** Every step for a badge as `reading.js` gives it. */
export async function check({document, token}, site, {now, recipient}) {
  const [issuer, proof] = await issuerAndProof(document, token, site);
  const steps = [
    passed('read.read'), shape(document), open('safe_mode.here'), issuer, proof,
    await status(document, site, now), time(document, now),
  ];
  if (recipient) steps.push(await owner(document, recipient));
  const endorsements = endorsementCount(document);
  if (endorsements) steps.push(open('endorsements.here', {count: endorsements}));
  return {steps, outcome: outcome(steps), document};
}

/** invalid if any step failed, undecided if one that matters was not possible, else valid. */
export function outcome(steps) {
  if (steps.some((found) => found.status === 'failed')) return 'invalid';
  const left = steps.some((found) => found.status !== 'passed' && MATTERS.includes(found.step));
  return left ? 'undecided' : 'valid';
}

function shape(document) {
  const types = list(document.type);
  const achievement = document.credentialSubject?.achievement;
  const parts = {
    '@context': list(document['@context']).length,
    type: types.includes('VerifiableCredential')
      && (types.includes('OpenBadgeCredential') || types.includes('AchievementCredential')),
    issuer: typeof idOf(document.issuer) === 'string',
    validFrom: typeof (document.validFrom ?? document.issuanceDate) === 'string',
    'credentialSubject.achievement': achievement && typeof achievement.name === 'string',
  };
  const names = Object.keys(parts).filter((name) => !parts[name]).join(', ');
  return names ? failed('shape.missing', {names}) : open('shape.parts');
}

// --- who signed ---------------------------------------------------------------------------

async function issuerAndProof(document, token, site) {
  const issuer = idOf(document.issuer);
  if (typeof issuer !== 'string') return [failed('issuer.missing'), open('proof.no_key')];
  if (!globalThis.crypto?.subtle) return [open('issuer.no_key'), open('proof.insecure')];
  if (token) return tokenSteps(token, issuer, site, passed('proof.holds'));
  const proofs = list(document.proof);
  if (!proofs.length) return [open('issuer.no_key'), failed('proof.none')];
  const plain = proofs.find((proof) => proof?.cryptosuite === 'eddsa-jcs-2022');
  if (plain && proofs.length === 1) return plainSteps(document, plain, issuer, site);
  return twinSteps(document, proofs, issuer, site);
}

/** The same badge as a token, from this folder: its signature, then word for word the same. */
async function twinSteps(document, proofs, issuer, site) {
  const kind = proofs[0]?.cryptosuite ?? proofs[0]?.type ?? '?';
  const compact = await site.text(`${document.id}.jwt`);
  if (compact === null) return [open('issuer.no_key'), open('proof.kind', {kind})];
  let twin;
  try {
    twin = fromToken(compact.trim());
  } catch {
    return [open('issuer.no_key'), open('proof.kind', {kind})];
  }
  const {proof: _left, ...said} = document;
  const {proof: _right, ...signed} = twin.document;
  const same = canonicalJson(said) === canonicalJson(signed);
  return tokenSteps(twin.token, issuer, site, same ? passed('proof.twin') : failed('proof.differs'));
}

async function tokenSteps(token, issuer, site, holds) {
  const found = await tokenKey(token, issuer, site);
  if (!found.jwk) return [found.step, open('proof.no_key')];
  const kind = String(token.header.alg);
  const result = await signature(token, found.jwk);
  if (result === null) return [found.step, open('proof.browser', {kind})];
  if (!result) return [found.step, failed('proof.broken')];
  const names = wrongClaims(token.payload).join(', ');
  return [found.step, names ? failed('proof.claims', {names}) : holds];
}

/** The token's key, if the issuer's did.json lists the very same one for assertions. */
async function tokenKey(token, issuer, site) {
  const address = site.didAddress(issuer);
  if (!address) return {step: open('issuer.elsewhere', {issuer})};
  const did = await site.json(address);
  if (!did) return {step: open('issuer.unreachable', {address})};
  const methods = did.id === issuer ? methodsOf(did, issuer) : [];
  const kid = token.header.kid;
  if (typeof kid !== 'string' || 'crit' in token.header) return {step: failed('issuer.wrong_key')};
  const published = kid.includes('#')
    ? methods.find((method) => method.id === kid)?.publicKeyJwk
    : await site.json(kid);
  if (!published) return {step: failed('issuer.wrong_key')};
  const listed = methods.some((method) => method.publicKeyJwk && sameKey(method.publicKeyJwk, published));
  return listed
    ? {step: passed('issuer.confirmed', {issuer}), jwk: published}
    : {step: failed('issuer.wrong_key')};
}

/** The methods that the issuer may assert with, those that were revoked left out. */
function methodsOf(did, issuer) {
  const allowed = list(did.assertionMethod).map(idOf);
  return list(did.verificationMethod).filter(
    (method) => method && method.controller === issuer && allowed.includes(method.id) && !method.revoked,
  );
}

function sameKey(one, other) {
  return ['kty', 'n', 'e', 'crv', 'x', 'y'].every((name) => one[name] === other[name]);
}

// --- signatures ---------------------------------------------------------------------------

/** Whether a token's signature holds; null where this browser cannot tell. */
async function signature(token, jwk) {
  const algorithm = ALGORITHMS[token.header.alg];
  if (!algorithm) return null;
  if (algorithm.kty !== jwk.kty) return false;
  const {kty, n, e, crv, x, y} = jwk;
  const plain = Object.fromEntries(Object.entries({kty, n, e, crv, x, y}).filter(([, value]) => value));
  if (kty === 'RSA' && base64url(n).length < 256) return false;
  try {
    const key = await crypto.subtle.importKey('jwk', plain, algorithm, false, ['verify']);
    return await crypto.subtle.verify(algorithm, key, token.signature, utf8(token.signed));
  } catch {
    return null;
  }
}

/** Claims that are missing or differ from the credential (Open Badges 3.0, section 8.2.3). */
function wrongClaims(payload) {
  const seconds = (moment) => (moment === undefined ? undefined : Math.floor(Date.parse(moment) / 1000));
  const wanted = {
    iss: idOf(payload.issuer), jti: payload.id, sub: payload.credentialSubject?.id,
    nbf: seconds(payload.validFrom), exp: seconds(payload.validUntil),
  };
  return Object.keys(wanted).filter((name) => payload[name] !== wanted[name]);
}

/** eddsa-jcs-2022 (vc-di-eddsa, section 3.3): no RDF is needed. */
async function plainSteps(document, proof, issuer, site) {
  const address = site.didAddress(issuer);
  if (!address) return [open('issuer.elsewhere', {issuer}), open('proof.no_key')];
  const did = await site.json(address);
  if (!did) return [open('issuer.unreachable', {address}), open('proof.no_key')];
  const methods = did.id === issuer ? methodsOf(did, issuer) : [];
  const method = methods.find((found) => found.id === proof.verificationMethod);
  const raw = method ? ed25519Key(method.publicKeyMultibase) : null;
  if (!raw || proof.proofPurpose !== 'assertionMethod') {
    return [failed('issuer.wrong_key'), open('proof.no_key')];
  }
  const confirmed = passed('issuer.confirmed', {issuer});
  const {proof: _all, ...unsecured} = document;
  const {proofValue, ...options} = proof;
  if ('@context' in options) {
    const given = list(document['@context']);
    const signed = list(options['@context']);
    if (canonicalJson(given.slice(0, signed.length)) !== canonicalJson(signed)) {
      return [confirmed, failed('proof.broken')];
    }
    unsecured['@context'] = options['@context'];
  }
  const hashes = await Promise.all([options, unsecured].map((part) => sha256(utf8(canonicalJson(part)))));
  try {
    const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    const data = new Uint8Array([...hashes[0], ...hashes[1]]);
    const holds = await crypto.subtle.verify('Ed25519', key, base58(String(proofValue).slice(1)), data);
    return [confirmed, holds ? passed('proof.holds') : failed('proof.broken')];
  } catch {
    return [confirmed, open('proof.browser', {kind: proof.cryptosuite})];
  }
}

// --- status, time, earner -----------------------------------------------------------------

const WORSE = ['failed', 'not_possible', 'passed'];

async function status(document, site, now) {
  const entries = list(document.credentialStatus);
  if (!entries.length) return passed('status.none');
  const results = await Promise.all(entries.slice(0, 5).map((entry) => entryStatus(entry, document, site, now)));
  return results.sort((one, other) => WORSE.indexOf(one.status) - WORSE.indexOf(other.status))[0];
}

async function entryStatus(entry, document, site, now) {
  if (entry?.type !== 'BitstringStatusListEntry') return open('status.unknown');
  if (!globalThis.crypto?.subtle) return open('status.unreachable');
  const address = entry.statusListCredential;
  const index = /^[0-9]{1,9}$/.test(entry.statusListIndex) ? Number(entry.statusListIndex) : -1;
  const compact = await site.text(`${address}.jwt`);
  if (compact === null || index < 0) return open('status.unreachable');
  try {
    const {document: listed, token} = fromToken(compact.trim());
    const issuer = idOf(document.issuer);
    const subject = listed.credentialSubject;
    const found = await tokenKey(token, issuer, site);
    if (found.step.status === 'not_possible') return open('status.unreachable');
    const sound = idOf(listed.issuer) === issuer && listed.id === address && found.jwk
      && list(listed.type).includes('BitstringStatusListCredential')
      && list(subject?.statusPurpose).includes(entry.statusPurpose)
      && time(listed, now).status === 'passed';
    const held = sound ? await signature(token, found.jwk) : false;
    if (held === null) return open('status.unreachable');
    if (!held || !subject.encodedList.startsWith('u')) return failed('status.list');
    const bits = await gunzip(base64url(subject.encodedList.slice(1)));
    if (bits.length * 8 < 131072 || index >= bits.length * 8) return failed('status.list');
    const set = bits[index >> 3] & (0x80 >> (index & 7));
    if (!set) return passed('status.current');
    return failed(entry.statusPurpose === 'suspension' ? 'status.suspension' : 'status.revocation');
  } catch {
    return failed('status.list');
  }
}

function time(document, now) {
  const zone = /(Z|[+-]\d\d:\d\d)$/i;
  const moments = [document.validFrom ?? document.issuanceDate, document.validUntil ?? document.expirationDate];
  const [begins, ends] = moments.map((value) => (zone.test(value ?? '') ? Date.parse(value) : NaN));
  if (Number.isNaN(begins) || (moments[1] !== undefined && Number.isNaN(ends))) return failed('time.malformed');
  if (begins > now) return failed('time.early', {date: moments[0]});
  if (ends <= now) return failed('time.expired', {date: moments[1]});
  return passed('time.current');
}

async function owner(document, recipient) {
  const entries = list(document.credentialSubject?.identifier).filter((entry) => entry?.identityType === 'emailAddress');
  const given = new Set([recipient, recipient.trim(), recipient.trim().toLowerCase()]);
  let known = false;
  for (const entry of entries) {
    const written = String(entry.identityHash).toLowerCase();
    if (!entry.hashed) {
      known = true;
      if (written.trim() === recipient.trim().toLowerCase()) return passed('recipient.same');
    } else if (written.startsWith('sha256$') && globalThis.crypto?.subtle) {
      known = true;
      for (const address of given) {
        const digest = hex(await sha256(utf8(address + (entry.salt ?? ''))));
        if (written === `sha256$${digest}`) return passed('recipient.same');
      }
    }
  }
  return known ? failed('recipient.other') : open('recipient.unnamed');
}

function endorsementCount(document) {
  const subject = document.credentialSubject ?? {};
  const places = [document, document.issuer, subject.achievement, subject.achievement?.creator];
  return places.reduce((count, place) => count
    + list(place?.endorsement).length + list(place?.endorsementJwt).length, 0);
}
