// Signs credentials with @digitalbazaar/ecdsa-sd-2023-cryptosuite, shows parts of them, and judges
// what it is given. No network.
// stdin:  {"secret": multibase, "public": multibase, "controller": DID, "created": ISO 8601,
//          "known": {address: JSON document, ...}, "derive": [{"document", "mandatory": [pointer],
//          "selective": [pointer]}, ...], "judge": [credential, ...]}
// stdout: {"derived": [{"base": credential, "derived": credential}, ...],
//          "judged": [{"verified": bool, "error": text or null}, ...]}
import {createInterface} from 'node:readline';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as ecdsaSd2023 from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import * as vc from '@digitalbazaar/vc';

const lines = [];
for await (const line of createInterface({input: process.stdin})) {
  lines.push(line);
}
const {secret, public: publicKeyMultibase, controller, created, known, derive, judge} =
  JSON.parse(lines.join('\n'));
const method = {
  '@context': 'https://w3id.org/security/multikey/v1',
  id: `${controller}#${publicKeyMultibase}`, type: 'Multikey', controller, publicKeyMultibase
};
const documents = {
  ...known,
  [method.id]: method,
  [controller]: {
    '@context': 'https://www.w3.org/ns/did/v1',
    id: controller, verificationMethod: [method], assertionMethod: [method.id]
  }
};

async function documentLoader(url) {
  if(documents[url] === undefined) {
    throw new Error(`unknown address ${url}`);
  }
  return {contextUrl: null, documentUrl: url, document: structuredClone(documents[url])};
}

const {createSignCryptosuite, createDiscloseCryptosuite, createVerifyCryptosuite} = ecdsaSd2023;
const key = await EcdsaMultikey.from({...method, secretKeyMultibase: secret});
const now = new Date(created);
const derived = [];
for(const {document, mandatory, selective} of derive) {
  const signing = new DataIntegrityProof({
    signer: key.signer(), date: created,
    cryptosuite: createSignCryptosuite({mandatoryPointers: mandatory})
  });
  const base = await vc.issue({credential: document, suite: signing, documentLoader});
  const showing = new DataIntegrityProof({
    cryptosuite: createDiscloseCryptosuite({selectivePointers: selective})
  });
  derived.push({
    base,
    derived: await vc.derive({
      verifiableCredential: structuredClone(base), suite: showing, documentLoader
    })
  });
}
const judged = [];
for(const credential of judge) {
  const suite = new DataIntegrityProof({cryptosuite: createVerifyCryptosuite()});
  const result = await vc.verifyCredential({
    credential, suite, documentLoader, now, checkStatus: async () => ({verified: true})
  });
  const error = result.error?.errors?.[0] ?? result.error;
  judged.push({
    verified: result.verified,
    error: error ? `${error.name}: ${error.message}` : null
  });
}
process.stdout.write(JSON.stringify({derived, judged}));
