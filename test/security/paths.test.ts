/** Ways to write a path so that rules see another one than the application; each has to fail at a gateway and at a sidecar. */
import { afterAll, describe, expect, test } from "vitest";
import type { RequestValidation } from "@heddle/model";
import { envoyBinary } from "../harness/envoy-process.ts";
import { startedMesh } from "../harness/mesh.ts";
import { gateway, requestValidation, service, virtualService } from "../harness/objects.ts";
import { type Answer, ask } from "../harness/request.ts";

const PORT = 9080;
const [EDGE, GUARDED, OPEN] = ["127.43.0.9", "127.43.0.2", "127.43.0.3"];

const TRICKS: Readonly<Record<string, string>> = {
  "the path itself": "/admin",
  "something below it": "/admin/users",
  "an absolute URL": "http://shop.example.com/admin",
  "two slashes": "//admin",
  "three slashes": "///admin",
  "slashes further on": "/admin//users",
  "a dot": "/./admin",
  "two dots": "/x/../admin",
  "dots above the root": "/../../admin",
  "an escaped dot": "/%2e/admin",
  "escaped dots": "/x/%2e%2e/admin",
  "escaped dots in upper case": "/x/%2E%2E/admin",
  "dots of which one is escaped": "/x/.%2e/admin",
  "an escaped slash": "/%2fadmin",
  "an escaped slash in upper case": "/%2Fadmin",
  "an escaped slash behind it": "/admin%2fusers",
  "escaped slashes around dots": "/x%2f..%2fadmin",
  "everything escaped": "/x%2f%2e%2e%2fadmin",
  "an escaped backslash": "/%5cadmin",
  "an escaped backslash in upper case": "/%5Cadmin",
  "escaped backslashes around dots": "/x%5c..%5cadmin",
  "a backslash": "/\\admin",
  "backslashes around dots": "/x\\..\\admin",
  "an escaped letter": "/%61dmin",
  "upper case": "/ADMIN",
  "one letter in upper case": "/aDmin/users",
  "a parameter of the path": "/admin;x=1",
  "a parameter before it": "/;x=1/admin",
  "an empty parameter": "/admin;/users",
  "dots with a parameter": "/x/..;/admin",
  "a fragment": "/admin#x",
  "a query": "/admin?x=/public",
};

/** Methods that nobody sends: what is matched is refused. */
const NONE = ["PRI"];

const STRICT: RequestValidation = {
  paths: { mergeSlashes: true, escapedSlashes: "REFUSE" },
  rules: [
    // Servers that know parameters of paths take them away before they look.
    { name: "parameters", match: { path: { regex: ".*;.*" } }, methods: NONE },
    { name: "admin", match: { path: { regex: "(?i)/admin(?:/.*)?" } }, methods: NONE },
  ],
};

/** As the most obliging of servers would read it. */
function asServed(url: string): string {
  const [path = ""] = url.split(/[?#]/);
  const steps: string[] = [];
  for (const step of decodeURIComponent(path).replaceAll("\\", "/").split("/")) {
    const [name = ""] = step.split(";");
    if (name === "..") steps.pop();
    else if (name !== "." && name !== "") steps.push(name.toLowerCase());
  }
  return `/${steps.join("/")}`;
}

function reachesAdmin(answer: Answer): boolean {
  return answer.status === 200 && asServed(answer.echo().url).startsWith("/admin");
}

describe.skipIf(!envoyBinary)("rules for a path hold, however it is written", () => {
  const mesh = startedMesh({
    workloads: {
      guarded: { address: GUARDED, ports: [PORT] },
      open: { address: OPEN, ports: [PORT] },
      edge: {
        address: EDGE,
        type: "router",
        labels: { istio: "edge", "gateway.networking.k8s.io/gateway-name": "edge" },
      },
    },
    objects: [
      ...service("guarded", [{ name: "http", port: PORT }], [GUARDED]),
      ...service("open", [{ name: "http", port: PORT }], [OPEN]),
      gateway("edge", {
        selector: { istio: "edge" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("edge", {
        hosts: ["shop.example.com"],
        gateways: ["edge"],
        http: [{ route: [{ destination: { host: "open" } }] }],
      }),
      requestValidation("guarded", { selector: { matchLabels: { app: "guarded" } }, ...STRICT }),
      requestValidation("edge", {
        targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }],
        ...STRICT,
      }),
    ],
  });

  const at = {
    gateway: (path: string) => ask(EDGE, 8080, "shop.example.com", path),
    sidecar: (path: string) => ask(GUARDED, PORT, `guarded:${PORT}`, path),
    unguarded: (path: string) => ask(OPEN, PORT, `open:${PORT}`, path),
  };
  const through: string[] = [];

  for (const [what, path] of Object.entries(TRICKS)) {
    test.each(["gateway", "sidecar"] as const)(`${what} at a %s`, async (place) => {
      const answer = await at[place](path);
      expect({ status: answer.status, reached: reachesAdmin(answer) }).toEqual({
        status: expect.toBeOneOf([307, 400, 404, 405]),
        reached: false,
      });
    });

    test(`${what} where there is no rule`, async () => {
      if (reachesAdmin(await at.unguarded(path))) through.push(what);
    });
  }

  test.each(["gateway", "sidecar"] as const)(
    "dots between slashes at a %s: the application sees the path that rules saw",
    async (place) => {
      // Merged first it would be /admin; dots are resolved first, and lead elsewhere.
      const answer = await at[place]("/x//..//../admin");
      expect(answer.echo().url).toBe("/x/admin");
    },
  );

  test("other paths go through", async () => {
    for (const place of ["gateway", "sidecar"] as const) {
      for (const path of ["/", "/administer", "/x/admin", "/x?y=;%2f"])
        expect((await at[place](path)).status).toBe(200);
    }
  });

  afterAll(() => {
    // Else the table would show nothing.
    expect(through.length).toBeGreaterThan(25);
    expect(mesh.applications("guarded")[0]!.requests.length).toBe(5);
  });
});
