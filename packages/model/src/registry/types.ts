/** Services and workloads as the mesh sees them, wherever they came from. */

/** AUTO: the name of the port says nothing, so the proxy looks at the first bytes. */
export type Protocol =
  | "HTTP"
  | "HTTP2"
  | "GRPC"
  | "GRPC-WEB"
  | "HTTPS"
  | "TLS"
  | "TCP"
  | "MONGO"
  | "REDIS"
  | "MYSQL"
  | "UDP"
  | "AUTO";

/**
 * How the addresses of a service's endpoints become known. ENDPOINTS: they are listed. DNS: every address of their names;
 * DNS_ROUND_ROBIN: one address of the name for each new connection. DYNAMIC_DNS: the name that each request asks for.
 * NONE: the application has resolved it already.
 */
export type Resolution = "ENDPOINTS" | "DNS" | "DNS_ROUND_ROBIN" | "DYNAMIC_DNS" | "NONE";

export interface ServiceModel {
  /** Full name, lower case: `reviews.default.svc.cluster.local`; for a ServiceEntry perhaps a wildcard. */
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  /** Empty for headless services and external names, and for entries by whose address nobody is known. */
  readonly clusterIPs: readonly string[];
  /** Subnets whose addresses all belong to it. */
  readonly subnets: readonly string[];
  /** Given to a host without addresses, IPv4 first: a DNS server of the mesh answers with them. */
  readonly autoAddresses?: readonly string[];
  readonly origin: "Service" | "ServiceEntry";
  readonly resolution: Resolution;
  /** Outside of the mesh: nobody there takes the mesh's TLS. */
  readonly external: boolean;
  readonly headless: boolean;
  /** The name that it stands for (Kubernetes' ExternalName). */
  readonly externalName?: string;
  /** The service of the mesh that `externalName` is; its own ports are none then. */
  readonly aliasOf?: string;
  /** Other services' names that lead here, by their externalName. */
  readonly aliases?: readonly ServiceName[];
  readonly ports: readonly ServicePort[];
  readonly labels: Readonly<Record<string, string>>;
  /** Empty: endpoints are not chosen by labels. */
  readonly selector: Readonly<Record<string, string>>;
  /** Key of the object that it was read from. */
  readonly key: string;
  /** SPIFFE identities that its endpoints may have besides their own. */
  readonly subjectAltNames: readonly string[];
  /** Clients reach endpoints of their own node alone. */
  readonly nodeLocal?: boolean;
  /** Endpoints near the client go first. */
  readonly nearest?: Nearness;
  /** Namespaces that see it: `*`, `.`, `~` (none) or names; empty means all. */
  readonly exportTo: readonly string[];
}

/** `node`: of the client's node, then of its subzone, zone and region; `zone`: of its zone, then of its region. */
export type Nearness = "node" | "zone";

/** What clients call a service of Kubernetes by. */
export interface ServiceName {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

export interface ServicePort {
  /** Empty only where the service's one port has none. */
  readonly name: string;
  readonly port: number;
  /** The port's number or name in the pod. */
  readonly targetPort: number | string;
  readonly protocol: Protocol;
}

/** One address and port that serves. */
export interface WorkloadEndpoint {
  /** Empty for one that only the gateways of its network reach. */
  readonly address: string;
  /** Where the workload itself listens, a number by now; 0 where only the workload and not one port of it is meant. */
  readonly port: number;
  /** Name of the service's port that it serves. */
  readonly portName: string;
  readonly ready: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
  /** Empty where no pod is known. */
  readonly pod: string;
  /** What the pod is called below the name of its headless service, as a StatefulSet has it. */
  readonly hostname?: string;
  /** Name of the Deployment, StatefulSet or other owner; the pod's where it has none. */
  readonly workload: string;
  readonly app: string;
  readonly version: string;
  readonly serviceAccount: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly clusterId: string;
  readonly locality: WorkloadLocality | undefined;
  /** Addresses of another network than a client's own lead nowhere; left out where it is not known. */
  readonly network?: string;
  /** The Kubernetes node that it runs on, where that is known. */
  readonly nodeName?: string;
  /** Takes mutual TLS of the mesh. */
  readonly mtls: boolean;
  readonly weight: number;
}

export interface WorkloadLocality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}
