/**
 * Issuing at speed: batches of requests, as agents send them, become certificates of workloads. Prints leaves a second of one core's
 * time, signatures of requests checked; exits with 1 where the limit is not met.
 *
 *     node test/bench/issue.ts [batches] [requests in each]
 */
import {
  createRequest,
  createRoot,
  generateKeyPair,
  issueLeaf,
  readRequest,
  spiffeId,
} from "@heddle/pki";

const BATCHES = Number(process.argv[2] ?? 8);
const REQUESTS = Number(process.argv[3] ?? 500);
/** Leaves a second of processor time, all threads together. */
const LEAST = 600;

const trustDomain = "bench.example";
const now = Date.now();
const { authority } = await createRoot(trustDomain, { now });
const requests = await Promise.all(
  Array.from({ length: REQUESTS }, async (_, index) => {
    const who = { trustDomain, namespace: `ns-${index % 50}`, serviceAccount: `app-${index}` };
    return createRequest(await generateKeyPair(), spiffeId(who));
  }),
);

const issue = async (pem: string) => {
  const { publicKey, uris } = await readRequest(pem);
  return issueLeaf(authority, publicKey, { now, spiffeId: uris[0] ?? "" });
};
await Promise.all(requests.map(issue));

const [before, began] = [process.cpuUsage(), performance.now()];
for (let batch = 0; batch < BATCHES; batch++) await Promise.all(requests.map(issue));
const { user, system } = process.cpuUsage(before);
const leaves = BATCHES * REQUESTS;
const perCore = leaves / ((user + system) / 1e6);
const perSecond = leaves / ((performance.now() - began) / 1000);
console.log(`${leaves} leaves in batches of ${REQUESTS}`);
console.log(`${perCore.toFixed(0)} a second of one core (${perSecond.toFixed(0)} by the clock)`);
if (perCore < LEAST) {
  console.log(`the limit is ${LEAST}`);
  process.exitCode = 1;
}
