/** Takes spans, access logs and metrics by OTLP over gRPC and passes them on as bytes. */

import {
  Server,
  ServerCredentials,
  status,
  type ServiceDefinition,
  type handleUnaryCall,
} from "@grpc/grpc-js";
import { isWholeRequest, type OtlpSignal } from "@heddle/telemetry";
import type { Batcher } from "./batcher.ts";
import type { OwnCounters } from "./own-counters.ts";
import { parseAddress } from "./telemetry-options.ts";

/** One request of a sender; Envoy's are some kilobytes. */
const maximumRequestBytes = 8 * 1024 * 1024;

const services: Record<OtlpSignal, string> = {
  traces: "opentelemetry.proto.collector.trace.v1.TraceService",
  metrics: "opentelemetry.proto.collector.metrics.v1.MetricsService",
  logs: "opentelemetry.proto.collector.logs.v1.LogsService",
};

export interface OtlpReceiver {
  readonly port: number;
  close(): Promise<void>;
}

/** Throws where the address is taken. */
export async function startOtlpReceiver(
  address: string,
  batcher: Batcher,
  counters: OwnCounters,
): Promise<OtlpReceiver> {
  const { host, port } = parseAddress(address);
  const server = new Server({ "grpc.max_receive_message_length": maximumRequestBytes });
  for (const signal of Object.keys(services) as OtlpSignal[])
    server.addService(definition(services[signal]), { export: handler(signal) });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${host.includes(":") ? `[${host}]` : host}:${port}`,
      ServerCredentials.createInsecure(),
      (error, actual) => {
        if (error)
          reject(
            new Error(`HDL5202: can't listen for OTLP at ${address}: ${error.message}`, {
              cause: error,
            }),
          );
        else resolve(actual);
      },
    );
  });
  return {
    port: bound,
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), 500);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };

  function handler(signal: OtlpSignal): handleUnaryCall<Buffer, Buffer> {
    return ({ request }, callback) => {
      if (!isWholeRequest(request)) {
        counters.add("heddle_telemetry_refused_requests_total", { signal, reason: "malformed" });
        callback({
          code: status.INVALID_ARGUMENT,
          details: "HDL5001: the request is not an OTLP export request",
        });
      } else if (!batcher.add(signal, request)) {
        counters.add("heddle_telemetry_refused_requests_total", { signal, reason: "busy" });
        callback({
          code: status.RESOURCE_EXHAUSTED,
          details: "HDL5203: telemetry arrives faster than it can be kept; send again later",
        });
      } else {
        counters.add("heddle_telemetry_received_requests_total", { signal });
        counters.add("heddle_telemetry_received_bytes_total", { signal }, request.byteLength);
        callback(null, nothing);
      }
    };
  }
}

const nothing = Buffer.alloc(0);
const identity = (bytes: Buffer) => bytes;

function definition(service: string): ServiceDefinition {
  return {
    export: {
      path: `/${service}/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  };
}
