// The page: takes a file, a text or an address, and writes the report with the words in #words.

import {check} from './checks.js';
import {MAX_BYTES, Unreadable, readBytes, readText} from './reading.js';
import {Site} from './site.js';

const script = document.querySelector('script[data-origin]');
const site = new Site(script.dataset.origin, script.dataset.root);
const report = document.querySelector('#report');
const form = document.querySelector('#check');
const words = new Map(
  [...document.querySelector('#words').content.querySelectorAll('[data-word]')]
    .map((place) => [place.dataset.word, place.textContent]),
);
const LOOKS = {passed: ['done', 'good'], failed: ['no', 'bad'], not_possible: ['', '']};

function say(code, params = {}) {
  return (words.get(code) ?? code).replace(/\{(\w+)\}/g, (_all, name) => shown(name, params[name]));
}

function shown(name, value) {
  return name === 'date' ? day(value) : String(value ?? '');
}

function day(moment) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return String(moment);
  const language = document.documentElement.lang.replace(/^en$/, 'en-GB');
  return date.toLocaleDateString(language, {dateStyle: 'long', timeZone: 'UTC'});
}

function make(name, options = {}, ...children) {
  const {data = {}, ...properties} = options;
  const made = Object.assign(document.createElement(name), properties);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

function stepItem({step, status, code, params}) {
  const [state, kind] = LOOKS[status];
  const tag = make('span', {className: `tag${kind ? ` tag--${kind}` : ''}`}, say(`state.${status}`));
  const title = make('h3', {className: 'h4 cluster'}, say(`step.${step}`), ' ', tag);
  return make('li', {data: {step, status, ...(state ? {state} : {})}}, title, make('p', {}, say(code, params)));
}

function card(badge, proven) {
  const subject = badge.credentialSubject ?? {};
  const issuer = badge.issuer ?? {};
  const named = [subject.identifier].flat().find((entry) => entry?.identityType === 'name' && !entry.hashed);
  const id = typeof issuer === 'string' ? issuer : issuer.id;
  const rows = [
    ['card.earner', named?.identityHash ?? say('card.unnamed')],
    ['card.issuer', issuer.name ?? id],
    ['card.domain', domain(id)],
    ['card.issued', day(badge.awardedDate ?? badge.validFrom ?? '')],
    ['card.until', badge.validUntil ? day(badge.validUntil) : ''],
  ].filter(([, value]) => typeof value === 'string' && value);
  const facts = rows.map(([code, value]) => make('div', {}, make('dt', {}, say(code)), make('dd', {}, value)));
  const name = subject.achievement?.name ?? badge.name;
  return make('aside', {className: 'card stack'},
    make('h3', {}, typeof name === 'string' ? name : say('card.untitled')),
    make('dl', {className: 'facts'}, ...facts),
    ...(proven ? [] : [make('p', {className: 'small muted'}, say('card.unproven'))]));
}

function domain(id) {
  if (typeof id !== 'string') return '';
  try {
    return id.startsWith('did:web:') ? decodeURIComponent(id.split(':')[2]) : new URL(id).host;
  } catch {
    return '';
  }
}

function show({steps, outcome, document: badge}) {
  const look = {valid: ['good', 'good'], invalid: ['bad', 'bad'], undecided: ['open', 'warn']}[outcome];
  const proven = steps.some((found) => found.step === 'proof' && found.status === 'passed')
    && steps.some((found) => found.step === 'issuer' && found.status === 'passed');
  const why = steps.find((found) => found.status === 'failed' && words.has(`title.${found.code}`));
  const title = make('h2', {tabIndex: -1}, say(why ? `title.${why.code}` : `title.${look[0]}`));
  const notice = make('div', {className: `notice notice--${look[1]}`}, make('p', {}, say(`meaning.${look[0]}`)));
  if (location.origin !== site.origin) {
    const params = {host: location.host || location.origin, origin: site.origin};
    notice.append(make('p', {}, say('copy', params)));
  }
  report.dataset.outcome = outcome;
  const timeline = make('ol', {className: 'timeline'}, ...steps.map(stepItem));
  report.replaceChildren(title, notice, make('div', {className: 'split'}, timeline, card(badge, proven)));
  title.focus();
}

function refuse(error) {
  const known = error instanceof Unreadable;
  const title = make('h2', {tabIndex: -1}, say('title.none'));
  report.dataset.outcome = 'unread';
  const text = known ? say(error.code, error.params) : say('read.unknown');
  report.replaceChildren(title, make('div', {className: 'notice notice--warn'}, make('p', {}, text)));
  title.focus();
}

async function fromAddress(address) {
  const plain = address.replace(/\/(index\.html)?$/, '').split(/[?#]/)[0];
  if (!site.owns(plain)) throw new Unreadable('read.elsewhere', {origin: site.origin});
  const path = /\.(json|jwt)$/.test(plain) ? plain : `${plain.replace(/\.(png|svg)$/, '')}.json`;
  const found = await site.text(path);
  if (found === null) throw new Unreadable('read.unreachable', {address: path});
  return readText(found);
}

async function read(file, text) {
  if (file && file.size) {
    if (file.size > MAX_BYTES) throw new Unreadable('read.large');
    return readBytes(new Uint8Array(await file.arrayBuffer()));
  }
  return /^https?:\/\/\S+$/.test(text) ? fromAddress(text) : readText(text);
}

async function run(file, text, recipient) {
  report.replaceChildren(make('p', {}, say('busy')));
  try {
    show(await check(await read(file, text), site, {now: Date.now(), recipient}));
  } catch (error) {
    refuse(error);
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const values = new FormData(form);
  run(values.get('file'), values.get('text').trim(), values.get('recipient').trim());
});

const asked = new URLSearchParams(location.search).get('credential');
if (asked && /^[0-9a-f-]{36}$/.test(asked)) run(null, `${site.origin}/credentials/${asked}`, '');
