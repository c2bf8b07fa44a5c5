/** Schemas of HTTPRoute, GRPCRoute, TLSRoute, TCPRoute and UDPRoute: every field of the experimental channel. */
import { z } from "zod";
import type { GRPCRoute } from "../../kinds/gateway-api/grpc-route.ts";
import type { HTTPRoute } from "../../kinds/gateway-api/http-route.ts";
import type { StreamRoute, TLSRoute } from "../../kinds/gateway-api/stream-route.ts";
import { bool, fields, optional } from "../fields.ts";
import {
  backendReference,
  formed,
  gatewayDuration,
  headerName,
  hostname,
  list,
  localReference,
  port,
  preciseHostname,
  routeFields,
  sectionName,
  sessionPersistence,
  weightedFields,
  withPort,
} from "./fields.ts";

const HEADER_VALUE = /^[!-~]+(?:[\t ]?[!-~]+)*$/;
const ORIGIN =
  /^\*$|^https?:\/\/(?:(?:\*\.)?(?:[a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(?::[0-9]{1,5})?$/;
const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
] as const;

const matchType = z.enum(["Exact", "RegularExpression"]);
const headerValue = formed(HEADER_VALUE, 4096, "a header's value", "HDL0026");
const header = fields({ name: headerName, value: headerValue });
const headerMatch = fields({
  type: optional(matchType),
  name: headerName,
  value: z.string().min(1).max(4096),
});

const headerFilter = fields({
  set: optional(list(header, 16)),
  add: optional(list(header, 16)),
  remove: optional(list(z.string(), 16)),
});

const mirror = fields({
  backendRef: backendReference,
  percent: optional(z.int32().min(0).max(100)),
  fraction: optional(
    fields({ numerator: z.int32().min(0), denominator: optional(z.int32().min(1)) }),
  ),
});

const pathModifier = fields({
  type: z.enum(["ReplaceFullPath", "ReplacePrefixMatch"]),
  replaceFullPath: optional(z.string().max(1024)),
  replacePrefixMatch: optional(z.string().max(1024)),
});

const statusCode = z.int32().refine((code) => [301, 302, 303, 307, 308].includes(code), {
  error: (issue) => `${String(issue.input)} is not a status of a redirect`,
  params: { code: "HDL0013", remedy: "Give one of 301, 302, 303, 307 and 308." },
});

const cors = fields({
  allowOrigins: optional(
    list(formed(ORIGIN, 253, "an origin", "HDL0013", "Write scheme://host, or *."), 64),
  ),
  allowCredentials: optional(bool),
  allowMethods: optional(list(z.enum([...METHODS, "*"]), 9)),
  allowHeaders: optional(list(headerName, 64)),
  exposeHeaders: optional(list(headerName, 64)),
  maxAge: optional(z.int32().min(1)),
});

const externalAuth = fields({
  protocol: z.enum(["HTTP", "GRPC"]),
  backendRef: backendReference,
  grpc: optional(fields({ allowedHeaders: optional(list(z.string(), 64)) })),
  http: optional(
    fields({
      path: optional(z.string().max(1024)),
      allowedHeaders: optional(list(z.string(), 64)),
      allowedResponseHeaders: optional(list(z.string(), 64)),
    }),
  ),
  forwardBody: optional(fields({ maxSize: optional(z.int32().min(0)) })),
});

const filter = fields({
  type: z.enum([
    "RequestHeaderModifier",
    "ResponseHeaderModifier",
    "RequestMirror",
    "RequestRedirect",
    "URLRewrite",
    "ExtensionRef",
    "CORS",
    "ExternalAuth",
  ]),
  requestHeaderModifier: optional(headerFilter),
  responseHeaderModifier: optional(headerFilter),
  requestMirror: optional(mirror),
  requestRedirect: optional(
    fields({
      scheme: optional(z.enum(["http", "https"])),
      hostname: optional(preciseHostname),
      path: optional(pathModifier),
      port: optional(port),
      statusCode: optional(statusCode),
    }),
  ),
  urlRewrite: optional(
    fields({ hostname: optional(preciseHostname), path: optional(pathModifier) }),
  ),
  cors: optional(cors),
  externalAuth: optional(externalAuth),
  extensionRef: optional(localReference),
});

export const httpRouteSchema: z.ZodType<HTTPRoute> = fields({
  ...routeFields,
  hostnames: optional(list(hostname, 16)),
  rules: optional(
    list(
      fields({
        name: optional(sectionName),
        matches: optional(
          list(
            fields({
              path: optional(
                fields({
                  type: optional(z.enum(["Exact", "PathPrefix", "RegularExpression"])),
                  value: optional(z.string().max(1024)),
                }),
              ),
              headers: optional(list(headerMatch, 16)),
              queryParams: optional(
                list(
                  fields({
                    type: optional(matchType),
                    name: headerName,
                    value: z.string().min(1).max(1024),
                  }),
                  16,
                ),
              ),
              method: optional(z.enum(METHODS)),
            }),
            64,
          ),
        ),
        filters: optional(list(filter, 16)),
        backendRefs: optional(
          list(
            fields({ ...weightedFields, filters: optional(list(filter, 16)) }).check(withPort),
            16,
          ),
        ),
        timeouts: optional(
          fields({
            request: optional(gatewayDuration),
            backendRequest: optional(gatewayDuration),
          }),
        ),
        retry: optional(
          fields({
            codes: optional(z.array(z.int32().min(400).max(599))),
            attempts: optional(z.int32().min(1)),
            backoff: optional(gatewayDuration),
          }),
        ),
        sessionPersistence: optional(sessionPersistence),
      }),
      16,
      1,
    ),
  ),
});

const grpcFilter = fields({
  type: z.enum([
    "RequestHeaderModifier",
    "ResponseHeaderModifier",
    "RequestMirror",
    "ExtensionRef",
  ]),
  requestHeaderModifier: optional(headerFilter),
  responseHeaderModifier: optional(headerFilter),
  requestMirror: optional(mirror),
  extensionRef: optional(localReference),
});

export const grpcRouteSchema: z.ZodType<GRPCRoute> = fields({
  ...routeFields,
  hostnames: optional(list(hostname, 16)),
  rules: optional(
    list(
      fields({
        name: optional(sectionName),
        matches: optional(
          list(
            fields({
              method: optional(
                fields({
                  type: optional(matchType),
                  service: optional(z.string().max(1024)),
                  method: optional(z.string().max(1024)),
                }),
              ),
              headers: optional(list(headerMatch, 16)),
            }),
            64,
          ),
        ),
        filters: optional(list(grpcFilter, 16)),
        backendRefs: optional(
          list(
            fields({ ...weightedFields, filters: optional(list(grpcFilter, 16)) }).check(withPort),
            16,
          ),
        ),
        sessionPersistence: optional(sessionPersistence),
      }),
      16,
    ),
  ),
});

const streamRule = fields({
  name: optional(sectionName),
  backendRefs: optional(list(fields(weightedFields).check(withPort), 16)),
});

export const tlsRouteSchema: z.ZodType<TLSRoute> = fields({
  ...routeFields,
  hostnames: optional(list(hostname, 1024)),
  rules: list(streamRule, 16, 1),
});

/** TCPRoute and UDPRoute. */
export const streamRouteSchema: z.ZodType<StreamRoute> = fields({
  ...routeFields,
  rules: list(streamRule, 16, 1),
});
