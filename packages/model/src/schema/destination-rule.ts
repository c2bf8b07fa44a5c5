/** Schema of DestinationRule: every field of networking.istio.io/v1, v1beta1 and v1alpha3. */
import { z } from "zod";
import type { DestinationRule, TrafficPolicy } from "../kinds/destination-rule.ts";
import { portSelector, workloadSelector } from "./destination.ts";
import {
  bool,
  duration,
  durationOrZero,
  fields,
  natural,
  oneOf,
  optional,
  text,
  textMap,
  texts,
  uint32,
  uint64,
} from "./fields.ts";

const failover = z.array(fields({ from: optional(text), to: optional(text) }));

const consistentHash = fields({
  httpHeaderName: optional(text),
  httpCookie: optional(
    fields({
      name: text,
      path: optional(text),
      ttl: optional(durationOrZero),
      attributes: optional(z.array(fields({ name: text, value: optional(text) }))),
    }),
  ),
  useSourceIp: optional(bool),
  httpQueryParameterName: optional(text),
  ringHash: optional(fields({ minimumRingSize: optional(uint64) })),
  maglev: optional(fields({ tableSize: optional(uint64) })),
  minimumRingSize: optional(uint64),
})
  .check(
    oneOf(["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"], {
      required: false,
    }),
  )
  .check(oneOf(["ringHash", "maglev"], { required: false }))
  .check(oneOf(["minimumRingSize", "ringHash"], { required: false }))
  .check(oneOf(["minimumRingSize", "maglev"], { required: false }));

const loadBalancer = fields({
  simple: optional(
    z.enum(["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"]),
  ),
  consistentHash: optional(consistentHash),
  backendUtilization: optional(
    fields({
      weightStabilizationPeriod: optional(durationOrZero),
      weightExpirationPeriod: optional(durationOrZero),
      weightUpdatePeriod: optional(durationOrZero),
      errorUtilizationPenaltyPercent: optional(uint32),
      metricNamesForComputingUtilization: optional(texts),
    }),
  ),
  localityLbSetting: optional(
    fields({
      distribute: optional(
        z.array(fields({ from: optional(text), to: optional(z.record(z.string(), uint32)) })),
      ),
      failover: optional(failover),
      failoverPriority: optional(texts),
      enabled: optional(bool),
    }),
  ),
  zoneAwareLbSetting: optional(
    fields({
      enabled: optional(bool),
      failover: optional(failover),
      failoverPriority: optional(texts),
      minClusterSize: optional(uint64.min(1)),
    }),
  ),
  warmupDurationSecs: optional(duration),
  warmup: optional(
    fields({
      duration,
      minimumPercent: optional(z.number().min(0).max(100)),
      aggression: optional(z.number().gt(0)),
    }),
  ),
})
  .check(oneOf(["simple", "consistentHash", "backendUtilization"], { required: false }))
  .check(oneOf(["localityLbSetting", "zoneAwareLbSetting"], { required: false }));

export const connectionPool = fields({
  tcp: optional(
    fields({
      maxConnections: optional(natural),
      connectTimeout: optional(duration),
      tcpKeepalive: optional(
        fields({
          probes: optional(uint32),
          time: optional(duration),
          interval: optional(duration),
        }),
      ),
      maxConnectionDuration: optional(duration),
      idleTimeout: optional(durationOrZero),
    }),
  ),
  http: optional(
    fields({
      http1MaxPendingRequests: optional(natural),
      http2MaxRequests: optional(natural),
      maxRequestsPerConnection: optional(natural),
      maxRetries: optional(natural),
      idleTimeout: optional(duration),
      h2UpgradePolicy: optional(z.enum(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"])),
      useClientProtocol: optional(bool),
      maxConcurrentStreams: optional(natural),
      http2KeepAlive: optional(
        fields({ interval: optional(duration), timeout: optional(duration) }),
      ),
    }),
  ),
});

const outlierDetection = fields({
  consecutiveErrors: optional(natural),
  splitExternalLocalOriginErrors: optional(bool),
  consecutiveLocalOriginFailures: optional(uint32),
  consecutiveGatewayErrors: optional(uint32),
  consecutive5xxErrors: optional(uint32),
  interval: optional(duration),
  baseEjectionTime: optional(duration),
  maxEjectionPercent: optional(z.int32().min(0).max(100)),
  minHealthPercent: optional(z.int32().min(0).max(100)),
  outlierDetectionHttpErrorCodes: optional(z.array(z.uint32().min(100).max(599))),
});

const tls = fields({
  mode: optional(z.enum(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"])),
  clientCertificate: optional(text),
  privateKey: optional(text),
  caCertificates: optional(text),
  credentialName: optional(text),
  subjectAltNames: optional(texts),
  sni: optional(text),
  insecureSkipVerify: optional(bool),
  caCrl: optional(text),
});

const portPolicy = {
  loadBalancer: optional(loadBalancer),
  connectionPool: optional(connectionPool),
  outlierDetection: optional(outlierDetection),
  tls: optional(tls),
};

const trafficPolicy: z.ZodType<TrafficPolicy> = fields({
  ...portPolicy,
  portLevelSettings: optional(
    z.array(fields({ port: optional(portSelector), ...portPolicy })).max(4096),
  ),
  tunnel: optional(fields({ protocol: optional(text), targetHost: text, targetPort: uint32 })),
  proxyProtocol: optional(fields({ version: optional(z.enum(["V1", "V2"])) })),
  retryBudget: optional(
    fields({
      percent: optional(z.number().min(0).max(100)),
      minRetryConcurrency: optional(uint32),
      budgetInterval: optional(durationOrZero),
    }),
  ),
});

export const destinationRuleSchema: z.ZodType<DestinationRule> = fields({
  host: text,
  trafficPolicy: optional(trafficPolicy),
  subsets: optional(
    z.array(
      fields({ name: text, labels: optional(textMap), trafficPolicy: optional(trafficPolicy) }),
    ),
  ),
  exportTo: optional(texts),
  workloadSelector: optional(workloadSelector),
});
