/** What a new object starts from: a small, valid example of its kind. */

const starters: Record<string, (service: string) => string> = {
  VirtualService: (service) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${service}
  namespace: default
spec:
  hosts:
    - ${service}
  http:
    - route:
        - destination:
            host: ${service}
      timeout: 5s
`,
  DestinationRule: (service) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${service}
  namespace: default
spec:
  host: ${service}
  trafficPolicy:
    loadBalancer:
      simple: LEAST_REQUEST
  subsets:
    - name: v1
      labels:
        version: v1
`,
  Gateway: () => `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: web
  namespace: default
spec:
  selector:
    istio: ingressgateway
  servers:
    - port:
        number: 80
        name: http
        protocol: HTTP
      hosts:
        - "*"
`,
  PeerAuthentication: () => `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: default
spec:
  mtls:
    mode: STRICT
`,
};

export const starterKinds: readonly string[] = Object.keys(starters);

/** The example of a kind, about a service where it names one; of an unknown kind, a VirtualService's. */
export function starterText(kind: string, service: string): string {
  const starter = Object.hasOwn(starters, kind) ? starters[kind] : undefined;
  return (starter ?? starters["VirtualService"]!)(service);
}
