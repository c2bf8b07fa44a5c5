/** Heddle in a real cluster, on the images that we publish. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { CAPTURE_IMAGE } from "./harness/image-names.ts";
import { installAgent } from "./harness/install-agent.ts";

const NUMBER = 5;

let folder: string;
let cluster: Cluster;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-install-"));
  cluster = await startCluster({
    state: path.join(folder, "state"),
    number: NUMBER,
    say: (line) => console.log(line),
  });
});
afterAll(async () => {
  await cluster?.down();
  await rm(folder, { recursive: true, force: true });
});

test("agents become ready as nobody in particular, with nothing to write to but their state", async () => {
  await installAgent(cluster);
  const pods = await cluster.kubectl(
    ...["get", "pods", "--namespace", "heddle-system", "-o", "json"],
    ...["--selector", "app.kubernetes.io/name=heddle-agent"],
  );
  const { items } = JSON.parse(pods) as {
    items: { status: { containerStatuses: { ready: boolean; restartCount: number }[] } }[];
  };
  expect(items.map(({ status }) => status.containerStatuses)).toMatchObject([
    [{ ready: true, restartCount: 0 }],
    [{ ready: true, restartCount: 0 }],
  ]);
});

/** What a pod's rules use: the kernel has to find each of iptables' extensions. */
const RULES = [
  "*nat",
  ":X - [0:0]",
  "-A OUTPUT -p tcp -m owner --uid-owner 1337 -m addrtype ! --dst-type LOCAL -j RETURN",
  "-A OUTPUT -p tcp -m multiport --dports 80,443 -j X",
  "-A X -p tcp -j REDIRECT --to-ports 15001",
  "COMMIT",
  "",
].join("\n");
const SET_UP = [
  `printf '%s' "$RULES" | iptables-restore --noflush`,
  `if [ -s /proc/net/if_inet6 ]; then printf '%s' "$RULES" | ip6tables-restore --noflush`,
  "ip -6 addr add ::6/128 dev lo; fi",
  "iptables-save",
].join("\n");

test("the capture image sets up the packet filter of a pod with two capabilities alone", async () => {
  const container = {
    ...{ name: "capture", image: CAPTURE_IMAGE, command: ["/bin/sh", "-ec"], args: [SET_UP] },
    env: [{ name: "RULES", value: RULES }],
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] },
    },
  };
  await cluster.kubectl.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "capture", namespace: "default" },
    spec: { restartPolicy: "Never", containers: [container] },
  });
  const phase = () => cluster.kubectl("get", "pod", "capture", "-o", "jsonpath={.status.phase}");
  await expect.poll(phase).toMatch(/Succeeded|Failed/);
  const log = await cluster.kubectl("logs", "capture");
  expect(log).toContain("--uid-owner 1337 -m addrtype ! --dst-type LOCAL -j RETURN");
  expect(log).toContain("-j REDIRECT --to-ports 15001");
  expect(await phase()).toBe("Succeeded");
});
