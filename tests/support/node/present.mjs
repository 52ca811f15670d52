// Plays a wallet: signs a presentation with @digitalbazaar/vc and eddsa-rdfc-2022. No network.
// stdin:  {"challenge": text, "domain": text, "known": {address: JSON document, ...}}
// stdout: {"holder": DID, "presentation": signed presentation}
import {createInterface} from 'node:readline';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';

const lines = [];
for await (const line of createInterface({input: process.stdin})) {
  lines.push(line);
}
const {challenge, domain, known} = JSON.parse(lines.join('\n'));

async function documentLoader(url) {
  if(known[url] === undefined) {
    throw new Error(`unknown address ${url}`);
  }
  return {contextUrl: null, documentUrl: url, document: structuredClone(known[url])};
}

const key = await Ed25519Multikey.generate();
const holder = `did:key:${key.publicKeyMultibase}`;
key.controller = holder;
key.id = `${holder}#${key.publicKeyMultibase}`;
const presentation = await vc.signPresentation({
  presentation: vc.createPresentation({holder}),
  suite: new DataIntegrityProof({signer: key.signer(), cryptosuite}),
  challenge, domain, documentLoader
});
process.stdout.write(JSON.stringify({holder, presentation}));
