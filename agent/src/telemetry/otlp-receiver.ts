/** Takes spans, access logs and metrics by OTLP over gRPC and passes them on as bytes, or as those of the pod that proves itself. */

import {
  Server,
  ServerCredentials,
  status,
  type ServiceDefinition,
  type ServerUnaryCall,
  type handleUnaryCall,
} from "@grpc/grpc-js";
import { attributed, isWholeRequest, type OtlpSignal, type Sender } from "@heddle/telemetry";
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

/** A port at which everybody proves who they are. */
export interface ProvenSenders {
  readonly credentials: ServerCredentials;
  senderOf(call: ServerUnaryCall<Buffer, Buffer>): Sender | undefined;
}

/** What pods have to say; their proxies' metrics are asked for, and nobody sends any. */
const ofPods: readonly OtlpSignal[] = ["traces", "logs"];

/** Without `proven` in the clear, where whoever sends is believed. Throws where the address is taken. */
export async function startOtlpReceiver(
  address: string,
  batcher: Batcher,
  counters: OwnCounters,
  proven?: ProvenSenders,
): Promise<OtlpReceiver> {
  const { host, port } = parseAddress(address);
  const server = new Server({ "grpc.max_receive_message_length": maximumRequestBytes });
  for (const signal of proven ? ofPods : (Object.keys(services) as OtlpSignal[]))
    server.addService(definition(services[signal]), { export: handler(signal) });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${host.includes(":") ? `[${host}]` : host}:${port}`,
      proven?.credentials ?? ServerCredentials.createInsecure(),
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

  /** Undefined for what is no export request. */
  function contentOf(
    signal: OtlpSignal,
    call: ServerUnaryCall<Buffer, Buffer>,
  ): Uint8Array | undefined {
    const { request } = call;
    if (!isWholeRequest(request)) return undefined;
    const sender = proven?.senderOf(call);
    if (sender === undefined || signal === "metrics") return request;
    const { bytes, rejected } = attributed(signal, request, sender);
    if (rejected > 0) counters.add("heddle_telemetry_refused_records_total", { signal }, rejected);
    return bytes;
  }

  function handler(signal: OtlpSignal): handleUnaryCall<Buffer, Buffer> {
    return (call, callback) => {
      const request = contentOf(signal, call);
      if (request === undefined) {
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
