/** Schema of extension providers: those of Istio's that authorization policies name. */
import { z } from "zod";
import type { ExtensionProvider } from "../kinds/extension-provider.ts";
import { statusName } from "../http-statuses.ts";
import { isHeaderName } from "../validate/header.ts";
import { domainError, isDnsLabel, isIpAddress } from "../validate/names.ts";
import type { Finding } from "../validate/report.ts";
import { findingsOf } from "./issues.ts";
import { withoutNulls } from "./nulls.ts";
import { bool, duration, fields, oneOf, optional, text, textMap, uint32 } from "./fields.ts";

const CODE = "HDL0040";

const service = z.string().refine(
  (value) => {
    const [namespace, host, ...rest] = value.includes("/") ? value.split("/") : ["any", value];
    if (rest.length > 0 || !isDnsLabel(namespace ?? "")) return false;
    return host !== undefined && (domainError(host) === undefined || isIpAddress(host));
  },
  {
    error: (issue) => `${JSON.stringify(issue.input)} names no service`,
    params: {
      code: CODE,
      remedy: "Write it like namespace/auth.namespace.svc.cluster.local.",
    },
  },
);

const port = z.int().refine((value) => value >= 1 && value <= 65_535, {
  error: (issue) => `${String(issue.input)} is not a port`,
  params: { code: "HDL0014", remedy: "Give a number from 1 to 65535." },
});

const statusOnError = text.refine((value) => statusName(value) !== undefined, {
  error: (issue) => `${JSON.stringify(issue.input)} is no status that Envoy answers with`,
  params: { code: CODE, remedy: 'Write it in digits, as text: "403", "503".' },
});

/** Of all headers nothing would be kept from the server, or from the caller: Istio asks for a part of the name. */
const headerNames = z.array(
  text.refine((value) => value !== "" && value !== "*", {
    error: (issue) => `${JSON.stringify(issue.input)} names no header`,
    params: { code: CODE, remedy: "Name headers whole, or by prefix or suffix: x-*, *-id." },
  }),
);

/** Envoy refuses a whole listener for what cannot be a header. */
const addedHeaders = textMap.check((context) => {
  for (const [name, value] of Object.entries(context.value)) {
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    if (isHeaderName(name) && !/[\u0000-\u0008\u000A-\u001F\u007F]/.test(value)) continue;
    context.issues.push({
      code: "custom",
      input: value,
      path: [name],
      message: `${JSON.stringify(name)} cannot be a header with the value ${JSON.stringify(value)}`,
      params: { code: CODE, remedy: "Mend the name, or the value." },
    });
  }
});

const authorizer = {
  service,
  port,
  timeout: optional(duration),
  failOpen: optional(bool),
  statusOnError: optional(statusOnError),
  clearRouteCache: optional(bool),
  includeRequestBodyInCheck: optional(
    fields({
      maxRequestBytes: optional(uint32),
      allowPartialMessage: optional(bool),
      packAsBytes: optional(bool),
    }).refine(({ maxRequestBytes }) => (maxRequestBytes ?? 0) > 0, {
      error: "no byte of the body would be sent",
      params: { code: CODE, remedy: "Give maxRequestBytes." },
    }),
  ),
};

export const extensionProviderSchema: z.ZodType<ExtensionProvider> = fields({
  name: z.string().refine(isDnsLabel, {
    error: (issue) => `${JSON.stringify(issue.input)} cannot name an extension provider`,
    params: { code: "HDL0017" },
  }),
  envoyExtAuthzHttp: optional(
    fields({
      ...authorizer,
      pathPrefix: optional(
        text.refine((value) => value.startsWith("/") && !/[?#\s]/.test(value), {
          error: (issue) => `${JSON.stringify(issue.input)} is not the beginning of a path`,
          params: { code: CODE, remedy: "Begin it with /, as in /check." },
        }),
      ),
      includeRequestHeadersInCheck: optional(headerNames),
      includeHeadersInCheck: optional(headerNames),
      includeAdditionalHeadersInCheck: optional(addedHeaders),
      headersToUpstreamOnAllow: optional(headerNames),
      headersToDownstreamOnDeny: optional(headerNames),
      headersToDownstreamOnAllow: optional(headerNames),
    }),
  ),
  envoyExtAuthzGrpc: optional(fields(authorizer)),
}).check(oneOf(["envoyExtAuthzHttp", "envoyExtAuthzGrpc"], { required: true, beside: ["name"] }));

/** Each is asked for by name, which only one of them can have. */
export const extensionProvidersSchema: z.ZodType<readonly ExtensionProvider[]> = z
  .array(extensionProviderSchema)
  .check((context) => {
    const names = context.value.map(({ name }) => name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      context.issues.push({
        code: "custom",
        input: name,
        path: [index, "name"],
        message: `two extension providers are named ${JSON.stringify(name)}`,
        params: { code: "HDL0029", remedy: "Rename one of them." },
      });
    }
  });

/** One provider as a MeshConfig has it: itself, or what is wrong with it, in words. */
export function readExtensionProvider(
  value: unknown,
): { readonly provider: ExtensionProvider } | { readonly wrong: readonly Finding[] } {
  const read = extensionProviderSchema.safeParse(withoutNulls(value));
  if (read.success) return { provider: read.data };
  return { wrong: findingsOf(read.error.issues, extensionProviderSchema, value, []) };
}
