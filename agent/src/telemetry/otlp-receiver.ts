/**
 * Takes spans, access logs and metrics by OTLP over gRPC and passes them on as bytes: those of the pod that proves itself, and with whoever
 * called it without a proof.
 */

import {
  Server,
  ServerCredentials,
  status,
  type ServiceDefinition,
  type ServerUnaryCall,
  type handleUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import {
  accessLogFields,
  attributeLogs,
  attributeTraces,
  decodeLogs,
  decodeTraces,
  encodeLogs,
  encodeTraces,
  isWholeRequest,
  nameUnprovenCallers,
  type OtlpSignal,
  type Sender,
  type WhoHas,
} from "@heddle/telemetry";
import type { Batcher } from "./batcher.ts";
import type { OwnCounters } from "./own-counters.ts";
import type { Redaction } from "./redaction.ts";
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

export interface OtlpReceiverOptions {
  readonly batcher: Batcher;
  readonly counters: OwnCounters;
  /** Without it in the clear, where whoever sends is believed. */
  readonly proven?: ProvenSenders | undefined;
  /** Without it nobody names the callers that prove nothing. */
  readonly whoHas?: WhoHas | undefined;
  /** Without it nothing is taken out of logs and spans. */
  readonly redaction?: Redaction | undefined;
}

/** Throws where the address is taken. */
export async function startOtlpReceiver(
  address: string,
  { batcher, counters, proven, whoHas, redaction }: OtlpReceiverOptions,
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
  async function contentOf(
    signal: OtlpSignal,
    call: ServerUnaryCall<Buffer, Buffer>,
  ): Promise<Uint8Array | undefined> {
    const { request } = call;
    if (!isWholeRequest(request)) return undefined;
    const sender = proven?.senderOf(call);
    const callers =
      signal === "logs" && request.includes(accessLogFields.reporter) ? whoHas : undefined;
    // What is nobody's and holds nothing to take out is passed on unread.
    const redacts = redaction?.of(signal, request, sender);
    if (signal === "logs" && (sender || callers || redacts)) {
      const { records, rejected } = decodeLogs(request);
      count(signal, rejected);
      if (sender) attributeLogs(records, sender);
      if (callers) await nameUnprovenCallers(records, callers);
      redacts?.logs(records);
      return encodeLogs(records).slice();
    }
    if (signal === "traces" && (sender || redacts)) {
      const { records, rejected } = decodeTraces(request);
      count(signal, rejected);
      if (sender) attributeTraces(records, sender);
      redacts?.traces(records);
      return encodeTraces(records).slice();
    }
    return request;
  }

  function count(signal: OtlpSignal, rejected: number): void {
    if (rejected > 0) counters.add("heddle_telemetry_refused_records_total", { signal }, rejected);
  }

  function handler(signal: OtlpSignal): handleUnaryCall<Buffer, Buffer> {
    return (call, callback) => {
      if (redaction?.isKnown() === false && signal !== "metrics") {
        counters.add("heddle_telemetry_refused_requests_total", { signal, reason: "starting" });
        callback({
          code: status.UNAVAILABLE,
          details: "HDL7320: it is not known yet what is to be redacted; send again later",
        });
        return;
      }
      void answer(signal, call, callback);
    };
  }

  /** An error is the request's alone. */
  async function answer(
    signal: OtlpSignal,
    call: ServerUnaryCall<Buffer, Buffer>,
    callback: sendUnaryData<Buffer>,
  ): Promise<void> {
    try {
      take(signal, await contentOf(signal, call), callback);
    } catch (error) {
      callback({ code: status.UNKNOWN, details: String(error) });
    }
  }

  function take(
    signal: OtlpSignal,
    content: Uint8Array | undefined,
    callback: sendUnaryData<Buffer>,
  ): void {
    if (content === undefined) {
      counters.add("heddle_telemetry_refused_requests_total", { signal, reason: "malformed" });
      callback({
        code: status.INVALID_ARGUMENT,
        details: "HDL5001: the request is not an OTLP export request",
      });
    } else if (!batcher.add(signal, content)) {
      counters.add("heddle_telemetry_refused_requests_total", { signal, reason: "busy" });
      callback({
        code: status.RESOURCE_EXHAUSTED,
        details: "HDL5203: telemetry arrives faster than it can be kept; send again later",
      });
    } else {
      counters.add("heddle_telemetry_received_requests_total", { signal });
      counters.add("heddle_telemetry_received_bytes_total", { signal }, content.byteLength);
      callback(null, nothing);
    }
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
