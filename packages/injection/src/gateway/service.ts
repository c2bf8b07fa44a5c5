/** The Service in front of a Gateway's pods. */
import type { GatewayApi, MeshObject } from "@heddle/model";
import type { Report } from "../finding.ts";
import { HEALTH_PORT } from "../proxy-bootstrap.ts";
import { GATEWAY_NAME } from "./infrastructure.ts";

const SERVICE_TYPE = "networking.istio.io/service-type";
const TYPES: readonly string[] = ["LoadBalancer", "NodePort", "ClusterIP"];

interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  readonly appProtocol?: string;
}

/** Its spec. One port for each that a listener has, however many listeners share it. */
export function gatewayService(
  { metadata, spec }: MeshObject<GatewayApi.Gateway>,
  listenerSets: readonly MeshObject<GatewayApi.ListenerSet>[],
  report: Report,
): object {
  const type = metadata.annotations[SERVICE_TYPE] ?? "LoadBalancer";
  if (!TYPES.includes(type))
    report({
      code: "HDL6013",
      level: "Error",
      path: "metadata.annotations",
      message: `${SERVICE_TYPE}: ${JSON.stringify(type)} is no type of Service`,
      remedy: `Give ${TYPES.join(", ")}.`,
    });
  const asked = (spec.addresses ?? []).flatMap(({ value }) => (value ? [value] : []));
  const [address, ...others] = asked;
  if (address !== undefined && (type !== "LoadBalancer" || others.length > 0))
    report({
      code: "HDL6014",
      level: "Warning",
      path: "spec.addresses",
      message:
        type === "LoadBalancer"
          ? `a Service has one address of a load balancer: ${others.join(", ")} ${others.length > 1 ? "are" : "is"} not asked for`
          : `a Service of type ${type} cannot ask for ${asked.join(", ")}`,
      remedy: "Ask for one address, with type LoadBalancer.",
    });
  const listeners = [spec, ...listenerSets.map((set) => set.spec)].flatMap(
    (each) => each.listeners,
  );
  return {
    type,
    ipFamilyPolicy: "PreferDualStack",
    selector: { [GATEWAY_NAME]: metadata.name },
    ports: portsOf(listeners),
    ...(address !== undefined && type === "LoadBalancer" ? { loadBalancerIP: address } : {}),
  };
}

function portsOf(listeners: readonly GatewayApi.Listener[]): readonly ServicePort[] {
  const ports: ServicePort[] = [
    { name: "status-port", port: HEALTH_PORT, protocol: "TCP", appProtocol: "tcp" },
  ];
  for (const { name, port, protocol: spoken } of listeners) {
    const protocol = spoken === "UDP" ? "UDP" : "TCP";
    if (!port || ports.some((each) => each.port === port && each.protocol === protocol)) continue;
    ports.push({
      name: unused(nameOf(name) || `${spoken.toLowerCase()}-${port}`, ports),
      port,
      protocol,
      ...(/^[A-Za-z]+$/.test(spoken) ? { appProtocol: spoken.toLowerCase() } : {}),
    });
  }
  return ports;
}

/** A listener's name may have dots, and be longer. */
function nameOf(listener: string): string {
  return listener
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, 58)
    .replaceAll(/^-+|-+$/g, "");
}

function unused(name: string, ports: readonly ServicePort[]): string {
  const taken = new Set(ports.map((each) => each.name));
  if (!taken.has(name)) return name;
  for (let count = 2; ; count++) if (!taken.has(`${name}-${count}`)) return `${name}-${count}`;
}
