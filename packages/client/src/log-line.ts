/** What a log line says of a refusal, and the question about access that it is the answer to. */
import type { WorkloadAccessQuestion } from "@heddle/model";
import type { LogLine } from "./types.ts";

export interface Refusal {
  readonly by:
    | "AuthorizationPolicy"
    | "RequestValidation"
    | "RequestAuthentication"
    | "PeerAuthentication";
  /** `namespace/name`; several where none of them let it in, none where the line does not say. */
  readonly objects: readonly string[];
  /** Counted from 0 of an AuthorizationPolicy, the field of a RequestValidation. */
  readonly rule?: string | undefined;
  /** What was decided, in the plane's words or in Envoy's. */
  readonly decision: string;
}

type Line = Pick<LogLine, "attributes">;

const text = ({ attributes }: Line, name: string) => String(attributes[name] ?? "");

/** Undefined for a line of what was let in. */
export function refusalOf(line: Line): Refusal | undefined {
  const decision = text(line, "heddle.authorization.decision");
  if (decision !== "")
    return {
      ...{ by: "AuthorizationPolicy", decision },
      objects: listed(text(line, "heddle.authorization.policy")),
      ...ruleOf(line, "heddle.authorization.rule"),
    };
  if (text(line, "heddle.request_validation.decision") === "refused")
    return {
      by: "RequestValidation",
      objects: listed(text(line, "heddle.request_validation.object")),
      decision: text(line, "heddle.request_validation.document") || "refused by a check",
      ...ruleOf(line, "heddle.request_validation.rule"),
    };
  const details = text(line, "envoy.response_code_details");
  const token = /^jwt_authn_access_denied\{(.*)\}$/.exec(details)?.[1];
  if (token !== undefined)
    return { by: "RequestAuthentication", objects: [], decision: token.replaceAll("_", " ") };
  const handshake = text(line, "envoy.upstream.transport_failure_reason");
  return /^TLS|certificate/i.test(handshake)
    ? { by: "PeerAuthentication", objects: [], decision: handshake.replaceAll("_", " ") }
    : undefined;
}

function listed(names: string): readonly string[] {
  return names === "" ? [] : names.split(",");
}

function ruleOf(line: Line, name: string): Pick<Refusal, "rule"> {
  const rule = text(line, name);
  return rule === "" ? {} : { rule };
}

/** What is known of the request: neither its headers nor its token. Undefined for a line that does not say where it went. */
export function accessQuestionOf(line: LogLine): WorkloadAccessQuestion | undefined {
  const { destination, reporter, method, path } = line;
  const ofServer = reporter === "destination";
  const local = text(line, ofServer ? "envoy.downstream.local_address" : "envoy.upstream.host");
  const [destinationAddress, port] = addressOf(local);
  if (destination.workload === "" || destination.namespace === "" || port === undefined)
    return undefined;
  const identity = text(line, "source.principal");
  // A client's proxy need not know whether its connection was mutual TLS.
  const principal = identity === "" ? (ofServer ? null : undefined) : identity;
  const [remoteAddress] = ofServer ? addressOf(text(line, "envoy.downstream.remote_address")) : [];
  const forwarded = text(line, "http.request.header.x-forwarded-for") !== "";
  const serverName = text(line, "tls.server_name");
  return {
    ...{ namespace: destination.namespace, workload: destination.workload, port },
    layer: method === "" ? "tcp" : "http",
    principal,
    ...(method === "" ? {} : { method, path, host: text(line, "http.request.authority") }),
    ...(ofServer ? { destinationAddress, serverName } : {}),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(remoteAddress === undefined || forwarded ? {} : { sourceAddress: remoteAddress }),
  };
}

/** Of `address:port`, an IPv6 address in brackets. */
function addressOf(text: string): readonly [string?, number?] {
  const [, v6, v4, port] = /^(?:\[(.+)\]|([\d.]+)):(\d+)$/.exec(text) ?? [];
  const address = v6 ?? v4;
  return address === undefined ? [] : [address, Number(port)];
}
