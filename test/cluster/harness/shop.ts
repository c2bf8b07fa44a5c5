/** A mesh with traffic of each kind: by HTTP and by TCP between pods, and to a host outside of the cluster. */
import { ECHO_IMAGE } from "./echo.ts";

export const SHOP = "shop";
const OUTSIDE = "outside.example";

/** Asks the shop's own service by HTTP and by TCP, and somebody outside of the cluster. */
const CLIENT = `
const { connect } = require("node:net");
const { get } = require("node:http");
const failed = (error) => console.log(String(error));
setInterval(() => {
  get("http://web/", (answer) => answer.resume()).on("error", failed);
  get(process.env.OUTSIDE, { headers: { host: "${OUTSIDE}" } }, (answer) => answer.resume()).on("error", failed);
  connect(9000, "web").on("data", () => {}).on("error", failed);
}, 100);
process.on("SIGTERM", () => process.exit(0));
`;

/** `host` and `port`: where somebody outside answers. */
export function shop(host: string, port: number): object[] {
  const own = (apiVersion: string, kind: string, name: string, spec: object) => ({
    ...{ apiVersion, kind, metadata: { name, namespace: SHOP }, spec },
  });
  const deployment = (name: string, container: object = {}) =>
    own("apps/v1", "Deployment", name, {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, version: "v1" } },
        spec: {
          terminationGracePeriodSeconds: 2,
          containers: [{ name: "app", image: ECHO_IMAGE, ...container }],
        },
      },
    });
  return [
    namespace(SHOP, { "istio-injection": "enabled" }),
    own("v1", "Service", "web", {
      selector: { app: "web" },
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "tcp", port: 9000 },
      ],
    }),
    own("networking.istio.io/v1", "ServiceEntry", "outside", {
      hosts: [OUTSIDE],
      addresses: [host],
      ports: [{ number: port, name: "http", protocol: "HTTP" }],
      resolution: "STATIC",
      endpoints: [{ address: host }],
    }),
    deployment("web"),
    deployment("client", {
      command: ["/usr/local/bin/node", "-e", CLIENT],
      env: [{ name: "OUTSIDE", value: `http://${host}:${port}/` }],
    }),
  ];
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}
