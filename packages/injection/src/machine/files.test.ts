import { describe, expect, it } from "vitest";
import { captureOf } from "../capture.ts";
import { defaultOptions } from "../settings.ts";
import { machineFiles } from "./files.ts";
import type { MachineFilesOptions } from "./machine.ts";

const TOLD: MachineFilesOptions = {
  ...{ namespace: "shop", group: "legacy", name: "legacy-10.0.3.7", address: "10.0.3.7" },
  ...{ serviceAccount: "legacy", labels: { app: "legacy" } },
  ...{ clusterId: "Kubernetes", clusterDomain: "cluster.local", adminPort: 15_000 },
  agent: { ...defaultOptions.agent, address: "203.0.113.5" },
  ...{ token: "SECRET", roots: "ROOTS", place: "/opt/heddle" },
  traffic: { appAddress: "127.0.0.1", proxyPort: 15_001 },
};
const capture = captureOf({ "traffic.sidecar.istio.io/excludeInboundPorts": "22" }, () => {});
const CAPTURED: MachineFilesOptions = { ...TOLD, traffic: { capture } };

const filesOf = (options: MachineFilesOptions) =>
  new Map(machineFiles(options).map((each) => [each.name, each]));
const textOf = (options: MachineFilesOptions, name: string) =>
  filesOf(options).get(name)?.text ?? "";

describe("the files of a machine", () => {
  it("are all that it starts from, with the secret in one of them, which is nobody else's", () => {
    const files = filesOf(CAPTURED);
    expect([...files.keys()].toSorted()).toEqual([
      ...["README.md", "capture.sh", "capture/nat-v4", "capture/nat-v6", "envoy.json"],
      ...["heddle-vm.service", "hosts", "identity/root-cert.pem", "identity/root-cert.sds.json"],
      ...["identity/token", "identity/token.sds.json", "start.sh"],
    ]);
    const secret = [...files.values()].filter(({ text }) => text.includes("SECRET"));
    expect(secret.map(({ name, mode }) => [name, mode])).toEqual([["identity/token", 0o600]]);
    expect([...filesOf(TOLD).keys()].filter((name) => name.startsWith("capture"))).toEqual([]);
  });

  it("lie anywhere: what Envoy reads is named from its own folder", () => {
    const named = /"(?:filename|(?:pathConfigSource|watchedDirectory)":\{"path)":"([^"]+)"/g;
    const paths = machineFiles(TOLD)
      .filter(({ name }) => name.endsWith(".json"))
      .flatMap(({ text }) => [...JSON.stringify(JSON.parse(text)).matchAll(named)])
      .map(([, path]) => path);
    expect(paths.length).toBeGreaterThan(5);
    for (const path of paths) expect(path).toMatch(/^identity(?:\/|$)/);
  });

  it("say who the machine is, and dial the agent where it is, by the name that its certificate is for", () => {
    const made = JSON.parse(textOf(TOLD, "envoy.json"));
    expect(made.node).toMatchObject({
      id: "sidecar~10.0.3.7~legacy-10.0.3.7.shop~shop.svc.cluster.local",
      metadata: {
        ...{ AUTO_REGISTER_GROUP: "legacy", NAMESPACE: "shop", SERVICE_ACCOUNT: "legacy" },
        ...{ INSTANCE_IPS: "10.0.3.7", INTERCEPTION_MODE: "NONE", APP_ADDRESS: "127.0.0.1" },
        ...{ HTTP_PROXY_PORT: "15001", HTTP_PROXY_ADDRESS: "127.0.0.1" },
      },
    });
    const text = JSON.stringify(made);
    expect(text).toContain('"address":"203.0.113.5","portValue":15012');
    expect(text).toContain('"sni":"heddle-agent.heddle-system.svc"');
    expect(made.hdsConfig).toBeDefined();
    expect(text).not.toContain("$(");
    expect(textOf(TOLD, "hosts")).toContain("203.0.113.5 heddle-agent.heddle-system.svc\n");
  });

  it("lead traffic where that is asked for, but not what keeps the machine within reach", () => {
    const { metadata } = JSON.parse(textOf(CAPTURED, "envoy.json")).node;
    expect(metadata).toMatchObject({ INTERCEPTION_MODE: "REDIRECT" });
    expect(metadata).not.toHaveProperty("HTTP_PROXY_PORT");
    for (const family of ["v4", "v6"]) {
      const table = textOf(CAPTURED, `capture/nat-${family}`);
      for (const port of [22, 15_021, 15_090])
        expect(table).toContain(`-A HEDDLE_INBOUND -p tcp --dport ${port} -j RETURN`);
    }
    const unit = textOf(CAPTURED, "heddle-vm.service");
    expect(unit).toContain("ExecStartPre=+/opt/heddle/capture.sh on\n");
    expect(textOf(TOLD, "heddle-vm.service")).not.toContain("capture");
  });
});
