/** Routes whose parent is a ServiceEntry: they decide for requests and connections to hosts outside, through real Envoys. */
import type { GatewayApi, MeshObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, service, serviceEntry } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const CLIENT = "127.146.0.1";
const STRANGER = "127.146.0.2";
const OUTSIDE = "127.146.0.3";
const INSIDE = "127.146.0.4";
const PORT = 9080;
const ISTIO = "networking.istio.io";

const entry = (name: string, hosts: readonly string[]) =>
  serviceEntry(name, {
    hosts: [...hosts],
    ports: [
      { number: PORT, name: "http", protocol: "HTTP" },
      { number: 9081, name: "more", protocol: "HTTP", targetPort: PORT },
    ],
    resolution: "STATIC",
    endpoints: [{ address: OUTSIDE }],
  });
const toInside: GatewayApi.HTTPRouteRule = { backendRefs: [{ name: "inside", port: PORT }] };
const route = (
  name: string,
  parent: Partial<GatewayApi.ParentReference>,
  rules: readonly GatewayApi.HTTPRouteRule[],
  namespace = "default",
): MeshObject =>
  gatewayApi<GatewayApi.HTTPRoute>(
    "HTTPRoute",
    name,
    { parentRefs: [{ group: ISTIO, kind: "ServiceEntry", name, ...parent }], rules },
    namespace,
  );

const OBJECTS = [
  ...service("inside", [{ name: "http", port: PORT }], [INSIDE]),
  ...service("inside", [{ name: "http", port: PORT }], [INSIDE], { namespace: "other" }),
  entry("api", ["api.test", "api.example.com"]),
  entry("section", ["section.test"]),
  entry("plain", ["plain.test"]),
  entry("theirs", ["theirs.test"]),
  route("api", {}, [
    {
      matches: [{ path: { value: "/kept" } }],
      backendRefs: [{ group: ISTIO, kind: "Hostname", name: "api.test", port: PORT }],
    },
    toInside,
  ]),
  route("section", { sectionName: "more" }, [toInside]),
  // Of another group that is a kind of another API.
  route("plain", { group: "example.com" }, [toInside]),
  route("theirs", { namespace: "default" }, [toInside], "other"),
];

describe.skipIf(!envoyBinary)("routes of a ServiceEntry", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: CLIENT },
      stranger: { address: STRANGER, namespace: "other" },
      outside: { address: OUTSIDE, ports: [PORT], sidecar: false, pod: false },
      inside: { address: INSIDE, ports: [PORT], sidecar: false },
    },
    objects: OBJECTS,
  });
  const served = async (from: "client" | "stranger", host: string, path = "/") => {
    const answer = await mesh.get(from, host, path);
    return answer.status === 200 ? answer.echo().name : answer.status;
  };

  proves(
    "HTTPRoute",
    ["parentRefs[].{group,kind,namespace,name,sectionName}"],
    "decides for clients of a ServiceEntry's hosts: of all its ports or of one, and for its own namespace's clients alone where it is of another",
    async () => {
      expect(await served("client", `api.test:${PORT}`)).toBe("inside");
      expect(await served("client", `api.example.com:${PORT}`)).toBe("inside");
      expect(await served("client", `api.test:${PORT}`, "/kept")).toBe("outside");
      expect(await served("client", `section.test:9081`)).toBe("inside");
      expect(await served("client", `section.test:${PORT}`)).toBe("outside");
      expect(await served("client", `plain.test:${PORT}`)).toBe("outside");
      expect(await served("client", `theirs.test:${PORT}`)).toBe("outside");
      expect(await served("stranger", `theirs.test:${PORT}`)).toBe("inside");
    },
  );
});
