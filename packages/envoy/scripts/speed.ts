/** Compares the encoder with protobuf-es on 500 clusters and 500 load assignments of 20 endpoints. Run: node scripts/speed.ts */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { decode, encode } from "../src/index.ts";
import type { Cluster } from "../src/gen/config/cluster/v3.ts";
import type { ClusterLoadAssignment } from "../src/gen/config/endpoint/v3.ts";

const cluster = (index: number): Cluster => ({
  name: `outbound|80|v1|svc-${index}.default.svc.cluster.local`,
  type: "EDS",
  edsClusterConfig: { edsConfig: { ads: {}, resourceApiVersion: "V3" } },
  connectTimeout: "10s",
  lbPolicy: "LEAST_REQUEST",
  circuitBreakers: { thresholds: [{ maxConnections: 4294967295, maxRequests: 1024 }] },
  outlierDetection: { consecutive5xx: 5, interval: "10s", baseEjectionTime: "30s" },
  metadata: { filterMetadata: { mesh: { service: `svc-${index}`, namespace: "default" } } },
  typedExtensionProtocolOptions: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    },
  },
});

const assignment = (index: number): ClusterLoadAssignment => ({
  clusterName: `outbound|80|v1|svc-${index}.default.svc.cluster.local`,
  endpoints: [
    {
      locality: { region: "eu", zone: "eu-1" },
      loadBalancingWeight: 20,
      lbEndpoints: Array.from({ length: 20 }, (_, at) => ({
        endpoint: {
          address: {
            socketAddress: { address: `10.${index >> 8}.${index & 255}.${at}`, portValue: 8080 },
          },
        },
        healthStatus: "HEALTHY" as const,
        loadBalancingWeight: 1,
        metadata: { filterMetadata: { mesh: { workload: `svc-${index}-v1` } } },
      })),
    },
  ],
});

const values: readonly (readonly [string, unknown])[] = Array.from({ length: 500 }, (_, index) => [
  ["envoy.config.cluster.v3.Cluster", cluster(index)] as const,
  ["envoy.config.endpoint.v3.ClusterLoadAssignment", assignment(index)] as const,
]).flat();

function time(label: string, run: () => unknown): void {
  const times = Array.from({ length: 15 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  const sorted = times.slice(5).sort((a, b) => a - b);
  console.log(
    `${label}: first ${times[0]!.toFixed(1)} ms, then median ${sorted[5]!.toFixed(1)} ms, least ${sorted[0]!.toFixed(1)} ms`,
  );
}

const start = performance.now();
const encoded = values.map(([type, value]) => [type, encode(type, value)] as const);
console.log(
  `${encoded.reduce((sum, [, bytes]) => sum + bytes.length, 0)} bytes, tables and all ${(performance.now() - start).toFixed(1)} ms`,
);
time("encode", () => values.map(([type, value]) => encode(type, value)));
time("decode", () => encoded.map(([type, bytes]) => decode(type, bytes)));
const registry = createFileRegistry(
  fromBinary(
    FileDescriptorSetSchema,
    readFileSync(join(import.meta.dirname, "../descriptors/envoy-1.40.0.binpb")),
  ),
);
const messages = values.map(([type, value]) => {
  const desc = registry.getMessage(type)!;
  return [desc, fromJson(desc, value as JsonValue, { registry })] as const;
});
time("protobuf-es toBinary alone", () =>
  messages.map(([desc, message]) => toBinary(desc, message)),
);
time("protobuf-es fromJson + toBinary", () =>
  values.map(([type, value]) => {
    const desc = registry.getMessage(type)!;
    return toBinary(desc, fromJson(desc, value as JsonValue, { registry }));
  }),
);
