/** Codes of what analysis of a whole mesh may find; each has a page in docs/codes, made from this table. */
import type { CodeEntry } from "@heddle/model";

export const analysisCodes: Readonly<Record<string, CodeEntry>> = {
  IST0101: {
    level: "Warning",
    title: "Something that is referred to is not there",
    why: "A rule names a host, port, subset, gateway or credential that nothing defines. Objects may arrive in any order, so this refuses a write only under --strict. Hosts are judged only where services are known, gateways' workloads and credentials where pods or Secrets are.",
    example: 'Referenced host not found: "reviews-bogus"',
    remedy: "Mend the name, or add what is missing.",
  },
  IST0109: {
    level: "Error",
    title: "Two rules of the mesh are for the same host",
    why: "Sidecars use one VirtualService for a host. Istio would take the oldest and drop the others in silence, so the write is refused; --force takes Istio's order and keeps a warning on each.",
    example:
      "VirtualServices default/reviews and default/reviews-canary, both with hosts: [reviews]",
    remedy: "Merge them into one, or narrow them by exportTo.",
  },
  IST0112: {
    level: "Warning",
    title: "A destination with several ports needs a port",
    why: "The service has more than one port, so the route must say which.",
    example: "destination: {host: reviews}   # which has ports 80 and 443",
    remedy: "Add destination.port.number.",
  },
  IST0127: {
    level: "Warning",
    title: "A policy is for no workload",
    why: "Its selector picks no pod where it reaches, or its namespace has none: nothing is guarded by it. Objects may arrive in any order, so this refuses a write only under --strict. It is judged only where pods are known.",
    example: "selector: {matchLabels: {app: wbe}}   # the pods are labelled app=web",
    remedy: "Mend the labels, or the namespace.",
  },
  IST0132: {
    level: "Warning",
    title: "A rule's hosts are not hosts of its gateway",
    why: "The rule is bound to a gateway that listens for none of its hosts, so no request reaches it there.",
    example: "hosts: [shop.example.com], bound to a gateway with hosts: [www.example.com]",
    remedy: "Add the host to the gateway's server, or mend the rule's.",
  },
  IST0145: {
    level: "Error",
    title: "Two gateways claim the same port and host",
    why: "Both select the same workload, with the same port and host. HTTP servers are joined, which is a warning; of servers with TLS or TCP only one can have the port, so the write is refused. --force takes the oldest.",
    example:
      "Gateways alpha and beta, both port 443 and host shop.example.com for istio: ingressgateway",
    remedy: "Join them into one Gateway, or give them different hosts or ports.",
  },
  HDL0101: {
    level: "Error",
    title: "Two destination rules are for the same host",
    why: "In one namespace, Istio would join them: the oldest one's traffic policy counts, and the oldest one's subset of a name. Where they set the same thing the write is refused; where they only add subsets to each other it is a warning. --force takes Istio's order.",
    example:
      "DestinationRules default/reviews and default/reviews-tls, both host: reviews with a trafficPolicy",
    remedy: "Merge them into one.",
  },
  IST0149: {
    level: "Warning",
    title: "Routes are chosen by claims where nobody looks at tokens",
    why: "Claims are known of a token that a RequestAuthentication at the gateway has found valid. Without one no route with such a match is ever chosen; those that ask for a claim to be absent always are.",
    example:
      'match: [{headers: {"@request.auth.claims.group": {exact: admin}}}]   # no RequestAuthentication for the gateway',
    remedy: "Add a RequestAuthentication that is for the gateway's pods.",
  },
  HDL0161: {
    level: "Warning",
    title: "An issuer's keys are at a service that the agent does not ask",
    why: "The agent asks internal addresses only where a Service of the cluster is named, at a port that it has: a URL in a policy must not open what only the agent can reach. A Service of type ExternalName leads anywhere, and is no leave.",
    example: "jwksUri: http://keycloak.auth.svc:9999/keys   # its port is 8080",
    remedy: "Name the service's own port, or start the agent with --jwks-allow for the host.",
  },
  HDL0102: {
    level: "Warning",
    title: "A rule's last route at a gateway is never reached",
    why: "Rules for one host at one gateway are joined: routes with a match first, then those without, oldest first. Of several routes that take every request only the oldest rule's is ever used.",
    example: "VirtualServices a and b for shop.example.com, each with a route without match",
    remedy: "Keep the route without match in one of the rules.",
  },
  HDL0130: {
    level: "Warning",
    title: "A route is not taken by its parent",
    why: "No listener of the Gateway takes the route: it names one that is not there, is of a namespace or kind that may not attach, or has none of the listener's hostnames. No request reaches it there. The reason is the Gateway API's own.",
    example:
      "not Accepted (NoMatchingListenerHostname): no hostname of the route is one of a listener of edge",
    remedy: "Mend parentRefs or hostnames, or let the route in by the listener's allowedRoutes.",
  },
  HDL0131: {
    level: "Warning",
    title: "A reference of the Gateway API leads nowhere",
    why: "A backend, certificate or filter is not there, is of a kind that cannot be used, or lies in a namespace that has not granted it. Requests for such a backend are answered with 500, a listener without any certificate is not served. Under --strict it refuses the write.",
    example:
      "not ResolvedRefs (RefNotPermitted): no ReferenceGrant in far lets a HTTPRoute of near refer to Service shop",
    remedy:
      "Mend the name, or add what is missing: the Service, the Secret, or a ReferenceGrant in its namespace.",
  },
  HDL0132: {
    level: "Error",
    title: "Two listeners, routes or policies of the Gateway API claim the same",
    why: "Listeners of one Gateway that nothing tells apart are none of them served. Of a Gateway's and a ListenerSet's listener the Gateway's is, of two policies for one target the older one; of an HTTPRoute and a GRPCRoute for one host of one listener the older one is taken.",
    example:
      "Conflicted (ProtocolConflict): listener tcp of Gateway default/edge has port 80 as well, and nothing tells them apart",
    remedy: "Give them different ports or hostnames, or join them.",
  },
  HDL0133: {
    level: "Warning",
    title: "A Gateway of the Gateway API has nobody to serve it",
    why: "There is no pod with the label gateway.networking.k8s.io/gateway-name that names the Gateway, or the address that it asks for is not given here.",
    example:
      "not Programmed (NoResources): no pod has the label gateway.networking.k8s.io/gateway-name with the Gateway's name",
    remedy:
      "Deploy pods with the label, or name the Service of pods that are there as an address of type Hostname.",
  },
  HDL0134: {
    level: "Warning",
    title: "An object of the Gateway API is not accepted",
    why: "The object asks for something that is not served here: an unknown protocol or kind of address, a parent that takes no ListenerSets, certificates that cannot be used. The reason is the Gateway API's own.",
    example: "not Accepted (NotAllowed): Gateway default/edge takes no ListenerSets of shop",
    remedy: "Mend what the message names.",
  },
  HDL0150: {
    level: "Warning",
    title: "TLS of a Sidecar has no place beside the mesh's own",
    why: "A port's TLS is either the mesh's own, mutual, or what a Sidecar's ingress says. Where PeerAuthentication asks for the mesh's, which is so unless it says DISABLE, the Sidecar's settings count for nothing, as in Istio: under STRICT clients outside of the mesh are refused, under PERMISSIVE their TLS goes on to the application as it came.",
    example:
      "ingress: [{port: {number: 8443, protocol: HTTPS}, tls: {mode: SIMPLE, …}}]   # and no PeerAuthentication",
    remedy:
      "Turn mutual TLS off for the port: a PeerAuthentication that selects the workload, with portLevelMtls and mode DISABLE.",
  },
  HDL0170: {
    level: "Info",
    title: "An Ingress is another controller's",
    why: "An Ingress is the mesh's if its class is: by the annotation kubernetes.io/ingress.class with the mesh's class, which is istio, or by an ingressClassName whose IngressClass has the controller heddle.dev/ingress-controller or istio.io/ingress-controller. One without a class is of the default IngressClass, if there is one.",
    example:
      "The Ingress is not this mesh's, and is passed over: IngressClass nginx is k8s.io/ingress-nginx's.",
    remedy: "Nothing, if that is meant; else name a class of the mesh in spec.ingressClassName.",
  },
  HDL0171: {
    level: "Error",
    title: "An Ingress sends requests to something that is no Service",
    why: "Kubernetes lets a backend be any resource that a controller knows. This one knows Services alone; requests would be answered with 503.",
    example: "backend:\n  resource: {apiGroup: k8s.example.com, kind: StorageBucket, name: files}",
    remedy: "Name a Service with its port.",
  },
  HDL0172: {
    level: "Error",
    title: "Two Ingresses claim the same path or certificate",
    why: "Ingresses of one host are joined. Of two with the same path, or with a certificate for the same name, only the oldest would have it, in silence; so the write is refused. --force takes the oldest and keeps a warning on each.",
    example: "Ingresses default/shop and default/shop-new, both with /cart of shop.example.com",
    remedy: "Take the path or the name out of one of them.",
  },
  HDL0173: {
    level: "Warning",
    title: "TLS of an Ingress has no Secret",
    why: "Without secretName there is no certificate that could be shown. Certificates of other Ingresses are shown if they are for the host.",
    example: "tls: [{hosts: [shop.example.com]}]",
    remedy: "Add secretName, the name of a Secret of type kubernetes.io/tls.",
  },
  HDL0103: {
    level: "Error",
    title: "Two PeerAuthentications are for the same workloads",
    why: "Istio would take the oldest and drop the others in silence, which can leave a door open that was meant to be shut. --force takes the oldest.",
    example: "PeerAuthentications default/strict and default/permissive, both without a selector",
    remedy: "Merge them into one.",
  },
  IST0110: {
    level: "Error",
    title: "Two Sidecars select the same workloads",
    why: "One Sidecar decides for a workload. Istio would take the oldest and drop the others in silence, so the write is refused; --force takes Istio's order and keeps a warning on each.",
    example:
      "Sidecars default/a with app: web and default/b with version: v1, which pod web-v1 has both of",
    remedy: "Merge them into one, or narrow their selectors.",
  },
  IST0111: {
    level: "Error",
    title: "Two Sidecars are for a whole namespace",
    why: "A namespace has one Sidecar without a workloadSelector. Istio would take the oldest and drop the others in silence, so the write is refused; --force takes Istio's order and keeps a warning on each.",
    example: "Sidecars default/a and default/b, both without a workloadSelector",
    remedy: "Merge them into one, or give all but one a workloadSelector.",
  },
  IST0159: {
    level: "Error",
    title: "Two Telemetries are for the same workloads",
    why: "One Telemetry decides for a workload, or for a Gateway that targetRefs name, beside those of its namespace and of the mesh. Istio would take the oldest and drop the others in silence, so the write is refused; --force takes Istio's order and keeps a warning on each.",
    example: "Telemetries default/a and default/b, both with selector app: web",
    remedy: "Merge them into one, or narrow their selectors.",
  },
  IST0160: {
    level: "Error",
    title: "Two Telemetries are for a whole namespace",
    why: "A namespace has one Telemetry without a selector. Istio would take the oldest and drop the others in silence, so the write is refused; --force takes Istio's order and keeps a warning on each.",
    example: "Telemetries default/a and default/b, both without a selector",
    remedy: "Merge them into one, or give all but one a selector.",
  },
  HDL0104: {
    level: "Error",
    title: "Two gateways want one port for different protocols",
    why: "HTTP is told apart by request, TLS by server name, TCP by nothing: on one port of a workload only one of them can be. Istio would give it to the oldest Gateway and drop the others' servers in silence, so the write is refused; --force takes Istio's order and keeps a warning on each.",
    example:
      "Gateways a with port 443 HTTPS and b with port 443 HTTP, both for istio: ingressgateway",
    remedy: "Give one of them another port, another protocol or another workload.",
  },
  HDL0105: {
    level: "Error",
    title: "Two ServiceEntries define one host differently",
    why: "A host has one resolution, one location and one protocol on each port. Of several that a namespace sees Istio would take its own, else the oldest, and drop the others in silence; so the write is refused. --force takes Istio's order and keeps a warning on each.",
    example:
      "ServiceEntries default/a and default/b, both for api.example.com, with resolution DNS and STATIC",
    remedy: "Merge them into one, or keep them apart by exportTo.",
  },
  HDL0106: {
    level: "Error",
    title: "Two ProxyConfigs are for the same workloads",
    why: "One ProxyConfig decides for a workload beside those of its namespace and of the mesh. Istio would take the oldest and drop the others in silence, so the write is refused; --force takes Istio's order and keeps a warning on each.",
    example: "ProxyConfigs default/a and default/b, both without a selector",
    remedy: "Merge them into one, or narrow their selectors.",
  },
  HDL0107: {
    level: "Warning",
    title: "A ServiceEntry is for the host of a Service",
    why: "The Service decides where its host's requests go. Of an entry for the same host, in the Service's namespace, only subjectAltNames counts; of one in another namespace nothing does.",
    example:
      "a ServiceEntry with hosts: [reviews.default.svc.cluster.local] beside the Service default/reviews",
    remedy: "Give the entry a host of its own, or leave everything but subjectAltNames out.",
  },
  HDL0140: {
    level: "Warning",
    title: "A VirtualService cannot be delegated to",
    why: "A route delegates to it, but it has hosts of its own, or its exportTo leaves the namespace of the route out. As in Istio, the route then counts as if it were not there.",
    example: "delegate: {name: reviews}   # and VirtualService reviews has hosts: [reviews]",
    remedy: "Take the hosts out of the delegate, or let its exportTo name the root's namespace.",
  },
  HDL0141: {
    level: "Warning",
    title: "A delegate's route has a match outside of its root's",
    why: "A route that is delegated to must match within what the route above it matches: a longer prefix, the same exact value, the same port. Regular expressions are compared with nothing. As in Istio, a route that does not is left out.",
    example:
      "match: [{uri: {prefix: /ratings}}], below a root's match: [{uri: {prefix: /reviews}}]",
    remedy: "Narrow the delegate's match to the root's, or leave it out.",
  },
  HDL0142: {
    level: "Warning",
    title: "A VirtualService without hosts to which nothing delegates",
    why: "A rule without hosts decides for nobody by itself: only through a route of another VirtualService that delegates to it.",
    example: "VirtualService default/reviews-routes without hosts",
    remedy: "Give it hosts, or let a route of another VirtualService delegate to it.",
  },
  HDL0143: {
    level: "Warning",
    title: "A rule of the mesh is for a host that no service has",
    why: "Sidecars follow such a rule only for requests that name the host on port 80, or on an HTTP port of a service that the rule names beside it. Requests come there only if a service of the mesh has that port, so without one the rule has no effect; nor has a rule for TLS or TCP. A host of the cluster that is not there is mostly a misspelt name.",
    example: "hosts: [reviws]   # the Service is called reviews",
    remedy:
      "Mend the name, or define the host: a Service, or a ServiceEntry for one outside of the cluster.",
  },
  HDL0144: {
    level: "Error",
    title: "Two Fallbacks are for the same requests",
    why: "One Fallback decides for a request to a service: of several that name the same host, subset and route only the oldest would count, so the write is refused. --force takes the oldest and keeps a warning on each.",
    example: "Fallbacks default/a and default/b, both with host: reviews",
    remedy: "Join them into one, or narrow them by subset or routes.",
  },
  HDL0145: {
    level: "Warning",
    title: "A Fallback is not in its service's namespace",
    why: "What answers for a service is for its owner to say: a Fallback counts in the namespace of the service, and from the root namespace.",
    example: "Fallback far/reviews with host: reviews.default.svc.cluster.local",
    remedy: "Move it to the namespace of the service, or to the root namespace.",
  },
  HDL0146: {
    level: "Warning",
    title: "Endpoints are not warmed up with this load balancer",
    why: "A new endpoint's share grows slowly only where ROUND_ROBIN or LEAST_REQUEST chooses. RANDOM, PASSTHROUGH and consistentHash know nothing of an endpoint's age.",
    example: "loadBalancer: {simple: RANDOM, warmup: {duration: 60s}}",
    remedy: "Use ROUND_ROBIN or LEAST_REQUEST, or leave warmup out.",
  },
  HDL0147: {
    level: "Warning",
    title: "A consistent hash of nothing",
    why: "Without a header, cookie, query parameter or source IP there is nothing to hash, and every request goes to an endpoint at random.",
    example: "loadBalancer: {consistentHash: {maglev: {}}}",
    remedy: "Add httpHeaderName, httpCookie, httpQueryParameterName or useSourceIp.",
  },
  HDL0148: {
    level: "Warning",
    title: "A retry budget stands in for maxRetries",
    why: "Envoy limits retries either by a number or by a share of the requests under way. Where both are given the number does not count.",
    example: "retryBudget: {percent: 20} beside connectionPool: {http: {maxRetries: 3}}",
    remedy: "Leave one of them out.",
  },
  HDL0149: {
    level: "Warning",
    title: "Shares by place exclude failing over to another",
    why: "With distribute every place keeps its share, whatever becomes of its endpoints; failover and failoverPriority are not looked at.",
    example:
      "localityLbSetting: {distribute: […], failoverPriority: [topology.kubernetes.io/zone]}",
    remedy: "Leave distribute or the failover out.",
  },
  HDL0154: {
    level: "Warning",
    title: "Outlier detection beside PASSTHROUGH",
    why: "With PASSTHROUGH a connection goes to the address that the client has chosen. Ejecting endpoints keeps nobody away from them.",
    example: "loadBalancer: {simple: PASSTHROUGH} beside outlierDetection: {…}",
    remedy: "Choose another load balancer, or leave outlierDetection out.",
  },
  HDL0151: {
    level: "Warning",
    title: "Outlier detection may eject the only endpoint",
    why: "With maxEjectionPercent 100 a service's one endpoint is ejected like any other, and while it is every request is refused at once.",
    example: "outlierDetection: {maxEjectionPercent: 100}   # for a service with one pod",
    remedy: "Set minHealthPercent above 0: with fewer healthy endpoints all are asked.",
  },
  HDL0152: {
    level: "Warning",
    title: "Names of a server's certificate without an authority",
    why: "In mode SIMPLE without caCertificates or credentialName the certificate is verified against the public authorities that the system trusts: any of them may have signed it, and a private one may not.",
    example: "tls: {mode: SIMPLE, subjectAltNames: [db.internal]}",
    remedy: "Name the authority by caCertificates or credentialName, or leave subjectAltNames out.",
  },
  HDL0153: {
    level: "Error",
    title: "A VirtualService and a route of the Gateway API are for one host",
    why: "Sidecars follow routes whose parent is the Service, or the ServiceEntry, before any VirtualService, which would have no effect, in silence. So the write is refused; --force lets the routes count and keeps a warning on each. A route of a namespace that is not the service's is for clients there, and in conflict with VirtualServices of that namespace alone.",
    example:
      "VirtualService with hosts: [reviews] beside an HTTPRoute with parentRefs: [{kind: Service, name: reviews}]",
    remedy: "Keep one of them.",
  },
  HDL0156: {
    level: "Warning",
    title: "A policy of action CUSTOM has no server to ask",
    why: "Its provider is not among the mesh's extensionProviders, or the service of that is not there, or has no such port. As in Istio, what the policy is for is refused then: a server that cannot be asked must not be a hole.",
    example: "action: CUSTOM\nprovider: {name: atuh}   # extensionProviders: [{name: auth, …}]",
    remedy: "Mend the name, or add the provider to the MeshSettings.",
  },
  HDL0157: {
    level: "Warning",
    title: "Policies of action CUSTOM want several servers asked for one workload",
    why: "One server at most is asked for a workload. With several providers, as in Istio, what all these policies are for is refused.",
    example: "two policies of action CUSTOM for app: shop, with provider a and provider b",
    remedy: "Let them name the same provider, or narrow their selectors.",
  },
  HDL0158: {
    level: "Warning",
    title: "A rule for a host is not for the host with a port",
    why: "Clients may name a port beside the host, and many do where it is not HTTP's own: `a.test:8080`. Envoy matches the whole of what was sent, so that a rule for `a.test` is not for that. What is denied by its host alone is then let in; where rules of action ALLOW name the host, which is told as an Info, the request is refused.",
    example: "action: DENY\nrules: [{to: [{operation: {hosts: [a.test]}}]}]",
    remedy: 'Add the host with any port: hosts: [a.test, "a.test:*"].',
  },
  HDL0159: {
    level: "Info",
    title: "A path that is denied may be written in another way",
    why: "Proxies of workloads leave `//secret` and `/%2fsecret` as they are, and a rule for `/secret` matches neither, while the server behind may take both for it. Gateways rewrite such paths by themselves; between workloads a RequestValidation does.",
    example: "action: DENY\nrules: [{to: [{operation: {paths: [/secret]}}]}]",
    remedy:
      "Add a RequestValidation with paths: {mergeSlashes: true, escapedSlashes: DECODE} (or REFUSE) for the workloads, or name what may be asked for in policies of action ALLOW.",
  },
  HDL0155: {
    level: "Error",
    title: "Two OverloadPolicies are for the same workloads",
    why: "One OverloadPolicy decides for a workload: the narrowest that is for it, and of several as narrow the oldest, in silence. So the write is refused; --force takes the oldest and keeps a warning on each.",
    example: "OverloadPolicies default/a and default/b, both without a selector",
    remedy: "Merge them into one, or narrow their selectors.",
  },
  HDL0185: {
    level: "Warning",
    title: "A rule for requests never decides",
    why: "The first rule that matches a request decides over it, so that one behind a wider one has no effect.",
    example:
      "rules: [{match: {path: {prefix: /}}, methods: [GET]}, {match: {path: {prefix: /up/}}, methods: [PUT]}]",
    remedy: "Put the narrower rule first.",
  },
  HDL0186: {
    level: "Error",
    title: "Two RequestValidations are for the same workloads",
    why: "One RequestValidation decides for a workload: the narrowest that is for it, and of several as narrow the oldest, in silence. So the write is refused; --force takes the oldest and keeps a warning on each.",
    example: "RequestValidations default/a and default/b, both without a selector",
    remedy: "Merge them into one, or narrow their selectors.",
  },
  HDL0187: {
    level: "Warning",
    title: "A rule refuses all that it matches",
    why: "It matches one method and takes others. What is to be refused altogether is better denied by an AuthorizationPolicy, which says so.",
    example: "rules: [{match: {method: {exact: GET}}, methods: [POST]}]",
    remedy: "Take the method out of the match, or add it to methods.",
  },
  HDL0188: {
    level: "Warning",
    title: "Paths are not rewritten while requests are only reported",
    why: "REPORT changes nothing about any request; another way to write a path may lead it to another route.",
    example: "mode: REPORT\npaths: {escapedSlashes: DECODE}",
    remedy: "Set mode ENFORCE when the reports are as they should be.",
  },
};
