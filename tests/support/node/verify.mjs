// Verifies credentials with @digitalbazaar/vc and eddsa-rdfc-2022. No network.
// stdin:  {"documents": [...], "known": {address: JSON document, ...}, "now": ISO 8601}
// stdout: [{"verified": bool, "error": text or null}, ...] in the same order
import {createInterface} from 'node:readline';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';

const lines = [];
for await (const line of createInterface({input: process.stdin})) {
  lines.push(line);
}
const {documents, known, now} = JSON.parse(lines.join('\n'));

async function documentLoader(url) {
  const [base, fragment] = url.split('#');
  let document = known[url] ?? known[base];
  if(document === undefined) {
    throw new Error(`unknown address ${url}`);
  }
  if(fragment !== undefined && known[url] === undefined) {
    const method = document.verificationMethod.find(({id}) => id === url);
    if(method === undefined) {
      throw new Error(`no key ${url}`);
    }
    document = {'@context': 'https://w3id.org/security/multikey/v1', ...method};
  }
  return {contextUrl: null, documentUrl: url, document: structuredClone(document)};
}

const results = [];
for(const credential of documents) {
  const suite = new DataIntegrityProof({cryptosuite});
  const result = await vc.verifyCredential({
    credential, suite, documentLoader, now: new Date(now),
    checkStatus: async () => ({verified: true})
  });
  const error = result.error?.errors?.[0] ?? result.error;
  results.push({
    verified: result.verified,
    error: error ? `${error.name}: ${error.message}` : null
  });
}
process.stdout.write(JSON.stringify(results));
