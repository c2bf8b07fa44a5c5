/** Certificates that live for 30 s rotate under traffic without a failed request, and STRICT refuses plaintext. */
import net from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLoad } from "../harness/load.ts";
import { type SplitDemo, startSplitDemo } from "../harness/split-demo.ts";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { tmpdir } from "node:os";

const ROTATE_FOR_MS = 180_000;
let split: SplitDemo;

beforeAll(async () => {
  split = await startSplitDemo({
    port: 8730,
    gatewayPort: 8731,
    block: 28,
    env: { HEDDLE_CERTIFICATE_LIFETIME: "30s" },
  });
});
afterAll(async () => {
  await split?.close();
});

const STRICT = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`;

test("30 s certificates rotate for 3 minutes under traffic; a plaintext client is refused in STRICT", async () => {
  const reviews = split.demo.cluster.pods.find((pod) => pod.workload === "reviews-v1");
  if (!reviews) throw new Error("there is no reviews-v1");
  // Before STRICT the mesh is permissive: the same plaintext request is answered.
  expect(await plaintext(reviews.address)).toMatch(/^HTTP\/1.1 200/);

  const file = path.join(tmpdir(), `strict-${process.pid}.yaml`);
  await writeFile(file, STRICT);
  const applied = await split.heddle(["apply", "-f", file]);
  expect(applied.code, applied.stderr).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await plaintext(reviews.address)).toBe("refused");

  const serials = new Set<string>();
  const load = startLoad({
    url: `${split.demo.gatewayUrl}/productpage`,
    rate: 50,
    maxMs: ROTATE_FOR_MS + 20_000,
  });
  const end = Date.now() + ROTATE_FOR_MS;
  while (Date.now() < end) {
    serials.add(await servedSerial(reviews.address));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
  const samples = await load.stop();
  const failed = samples.filter((sample) => sample.status !== 200);
  console.log(
    `${samples.length} requests, ${failed.length} failed; reviews-v1 had ${serials.size} certificates`,
  );
  expect(failed, JSON.stringify(failed.slice(0, 5))).toHaveLength(0);
  expect(serials.size).toBeGreaterThanOrEqual(6);
  expect(await plaintext(reviews.address)).toBe("refused");
});

/** What a client without TLS gets from a pod's port: the first line of the answer, or "refused". */
function plaintext(address: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(9080, address);
    let text = "";
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on("connect", () =>
      socket.write("GET /health HTTP/1.1\r\nhost: reviews:9080\r\nconnection: close\r\n\r\n"),
    );
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.on("error", () => {});
    socket.on("close", () => resolve(text.split("\r\n")[0] || "refused"));
  });
}

/** Serial number of the certificate that Envoy holds now, from its admin interface. */
async function servedSerial(address: string): Promise<string> {
  const response = await fetch(`http://${address}:15000/certs`);
  const { certificates } = (await response.json()) as {
    certificates: { cert_chain: { serial_number: string }[] }[];
  };
  return certificates
    .flatMap((c) => c.cert_chain.map((cert) => cert.serial_number))
    .toSorted()
    .join();
}
