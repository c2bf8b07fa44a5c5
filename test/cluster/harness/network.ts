/**
 * What of a cluster is seen on the machine: its addresses and names. Each has a number, so that several can be on one machine: all lie in its own network
 * namespace, which the machine reaches over one pair of interfaces.
 */

export interface Network {
  /** The machine's end of the link. Its name is what tells that the number is taken. */
  readonly link: string;
  readonly host: string;
  /** The node's end, on which the API server and NodePorts are. */
  readonly node: string;
  readonly linkPrefix: 24;
  readonly pods: string;
  readonly podGateway: string;
  readonly services: string;
  /** The address of Service `kubernetes`: the first of them. */
  readonly apiService: string;
  readonly dns: string;
  /** Addresses for Services of type LoadBalancer. */
  readonly loadBalancers: string;
}

export const MAX_NUMBER = 7;

/** The number of a cluster that is told none: HEDDLE_CLUSTER where somebody has said one, else that of the test runner's worker, from 0. */
export function defaultNumber(): number {
  const { HEDDLE_CLUSTER: said, VITEST_POOL_ID: worker = "1" } = process.env;
  return said === undefined ? Number(worker) - 1 : Number(said);
}

/** 198.18.0.0/15 is set apart for tests of networks (RFC 2544), so that it is nobody's. */
export function networkOf(number: number): Network {
  return {
    link: `heddle-k8s${number}`,
    host: `198.18.${number}.1`,
    node: `198.18.${number}.2`,
    linkPrefix: 24,
    pods: `10.${240 + number}.0.0/16`,
    podGateway: `10.${240 + number}.0.1`,
    services: `10.${96 + number}.0.0/16`,
    apiService: `10.${96 + number}.0.1`,
    dns: `10.${96 + number}.0.10`,
    loadBalancers: `198.19.${number}.0/24`,
  };
}
