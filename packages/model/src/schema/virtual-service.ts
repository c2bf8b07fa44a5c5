/** Schema of VirtualService: every field of networking.istio.io/v1, v1beta1 and v1alpha3. */
import { z } from "zod";
import type { HTTPMatchRequest, HTTPRoute, VirtualService } from "../kinds/virtual-service.ts";
import { destination } from "./destination.ts";
import {
  bool,
  duration,
  fields,
  int32,
  mirrorPercent,
  oneOf,
  optional,
  percent,
  text,
  textMap,
  texts,
  uint32,
} from "./fields.ts";
import { stringMatch, stringOrPresentMatch } from "./string-match.ts";

const headerMatches = z.record(z.string(), stringOrPresentMatch);

const headerOperations = fields({
  set: optional(textMap),
  add: optional(textMap),
  remove: optional(texts),
});
const headers = fields({
  request: optional(headerOperations),
  response: optional(headerOperations),
});

const httpMatch: z.ZodType<HTTPMatchRequest> = fields({
  name: optional(text),
  uri: optional(stringMatch),
  scheme: optional(stringMatch),
  method: optional(stringMatch),
  authority: optional(stringMatch),
  headers: optional(headerMatches),
  port: optional(uint32),
  sourceLabels: optional(textMap),
  gateways: optional(texts),
  queryParams: optional(headerMatches),
  ignoreUriCase: optional(bool),
  withoutHeaders: optional(headerMatches),
  sourceNamespace: optional(text),
  statPrefix: optional(text),
});

const redirect = fields({
  uri: optional(text),
  authority: optional(text),
  port: optional(uint32),
  derivePort: optional(z.enum(["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"])),
  scheme: optional(text),
  redirectCode: optional(uint32),
  prefixRewrite: optional(text),
}).check(oneOf(["port", "derivePort"], { required: false }));

const directResponse = fields({
  status: uint32,
  body: optional(
    fields({ string: optional(text), bytes: optional(z.base64()) }).check(
      oneOf(["string", "bytes"], { required: false }),
    ),
  ),
});

const retries = fields({
  attempts: optional(int32),
  perTryTimeout: optional(duration),
  retryOn: optional(text),
  retryRemoteLocalities: optional(bool),
  retryIgnorePreviousHosts: optional(bool),
  backoff: optional(duration),
});

const corsPolicy = fields({
  allowOrigin: optional(texts),
  allowOrigins: optional(z.array(stringMatch)),
  allowMethods: optional(texts),
  allowHeaders: optional(texts),
  exposeHeaders: optional(texts),
  maxAge: optional(duration),
  allowCredentials: optional(bool),
  unmatchedPreflights: optional(z.enum(["UNSPECIFIED", "FORWARD", "IGNORE"])),
});

const fault = fields({
  delay: optional(
    fields({
      percent: optional(int32),
      fixedDelay: optional(duration),
      exponentialDelay: optional(duration),
      percentage: optional(percent),
    }).check(oneOf(["fixedDelay", "exponentialDelay"], { required: false })),
  ),
  abort: optional(
    fields({
      httpStatus: optional(int32),
      grpcStatus: optional(text),
      http2Error: optional(text),
      percentage: optional(percent),
    }).check(oneOf(["httpStatus", "grpcStatus", "http2Error"], { required: false })),
  ),
});

const httpRoute: z.ZodType<HTTPRoute> = fields({
  name: optional(text),
  match: optional(z.array(httpMatch)),
  route: optional(
    z.array(fields({ destination, weight: optional(int32), headers: optional(headers) })),
  ),
  redirect: optional(redirect),
  directResponse: optional(directResponse),
  delegate: optional(fields({ name: optional(text), namespace: optional(text) })),
  rewrite: optional(
    fields({
      uri: optional(text),
      authority: optional(text),
      uriRegexRewrite: optional(fields({ match: optional(text), rewrite: optional(text) })),
    }),
  ),
  timeout: optional(duration),
  retries: optional(retries),
  fault: optional(fault),
  mirror: optional(destination),
  mirrors: optional(z.array(fields({ destination, percentage: optional(mirrorPercent) }))),
  mirrorPercent: optional(uint32),
  mirrorPercentage: optional(mirrorPercent),
  corsPolicy: optional(corsPolicy),
  headers: optional(headers),
});

const routeDestinations = z.array(fields({ destination, weight: optional(int32) }));

const tlsRoute = fields({
  match: z.array(
    fields({
      sniHosts: texts,
      destinationSubnets: optional(texts),
      port: optional(uint32),
      sourceLabels: optional(textMap),
      gateways: optional(texts),
      sourceNamespace: optional(text),
    }),
  ),
  route: optional(routeDestinations),
});

const tcpRoute = fields({
  match: optional(
    z.array(
      fields({
        destinationSubnets: optional(texts),
        port: optional(uint32),
        sourceSubnet: optional(text),
        sourceLabels: optional(textMap),
        gateways: optional(texts),
        sourceNamespace: optional(text),
      }),
    ),
  ),
  route: optional(routeDestinations),
});

export const virtualServiceSchema: z.ZodType<VirtualService> = fields({
  hosts: optional(texts),
  gateways: optional(texts),
  http: optional(z.array(httpRoute)),
  tls: optional(z.array(tlsRoute)),
  tcp: optional(z.array(tcpRoute)),
  exportTo: optional(texts),
});
