/** Calls an agent's TLS port as an Envoy would, and asks for its own certificate: who the agent takes it for. */
import { X509Certificate } from "node:crypto";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { decode, encode, typeUrls } from "@heddle/envoy";
import { defaultOptions } from "@heddle/injection";
import { aggregatedDiscoveryService } from "../../../agent/src/xds/ads-server.ts";

export const AGENT = defaultOptions.agent.host;
/** More than the agent waits for a pod. */
const ANSWER_MS = 20_000;

export interface Node {
  readonly id?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface AgentCall {
  /** `spiffe://…`, or `STATUS details`. */
  readonly identity: Promise<string>;
  end(): void;
}

/** The stream goes on until it is ended. */
export function callAgent(
  { port, roots }: { readonly port: number | undefined; readonly roots: string },
  token: string | undefined,
  node: Node,
): AgentCall {
  const {
    path: method,
    requestSerialize,
    responseDeserialize,
  } = aggregatedDiscoveryService.DeltaAggregatedResources;
  const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(Buffer.from(roots)), {
    "grpc.ssl_target_name_override": AGENT,
    "grpc.default_authority": AGENT,
  });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const call = client.makeBidiStreamRequest(
    method,
    requestSerialize,
    responseDeserialize,
    metadata,
  );
  const request = { node, typeUrl: typeUrls.secret, resourceNamesSubscribe: ["default"] };
  call.write(Buffer.from(encode("envoy.service.discovery.v3.DeltaDiscoveryRequest", request)));
  const identity = new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve("no answer"), ANSWER_MS);
    call.on("close", () => clearTimeout(timer));
    call.on("data", (bytes: Buffer) => {
      // Nothing is in it while the certificate is on its way.
      const found = identityIn(bytes);
      if (found !== undefined) resolve(found);
    });
    call.on("error", ({ code, details }: ServiceError) => resolve(`${status[code]} ${details}`));
  });
  return {
    identity,
    end() {
      call.cancel();
      client.close();
    },
  };
}

function identityIn(bytes: Buffer): string | undefined {
  const { resources = [] } = decode(
    "envoy.service.discovery.v3.DeltaDiscoveryResponse",
    bytes,
  ) as unknown as {
    resources?: { resource: { tlsCertificate: { certificateChain: { inlineString: string } } } }[];
  };
  const chain = resources[0]?.resource.tlsCertificate.certificateChain.inlineString;
  return chain && /URI:([^,]+)/.exec(new X509Certificate(chain).subjectAltName ?? "")?.[1];
}
