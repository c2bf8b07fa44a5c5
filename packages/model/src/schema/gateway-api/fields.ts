/** Pieces of the Gateway API's schemas: names, references, and limits on lists, as its CRDs have them. */
import { z } from "zod";
import type { SessionPersistence } from "../../kinds/gateway-api/http-route.ts";
import type {
  BackendObjectReference,
  LabelSelector,
  LocalObjectReference,
  ObjectReference,
  ParentReference,
  SecretObjectReference,
} from "../../kinds/gateway-api/reference.ts";
import { fields, optional, text, textMap, texts } from "../fields.ts";

const DNS = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = new RegExp(`^${DNS}(?:\\.${DNS})*$`);
const HOSTNAME = new RegExp(`^(?:\\*\\.)?${DNS}(?:\\.${DNS})*$`);
const GROUP = new RegExp(`^$|${SUBDOMAIN.source}`);
const KIND = /^[a-zA-Z](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const LABEL = new RegExp(`^${DNS}$`);
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
const DURATION = /^(?:[0-9]{1,5}(?:h|m|s|ms)){1,4}$/;

/** Text of a form, in at most so many characters. */
export function formed(
  form: RegExp,
  max: number,
  what: string,
  code: string,
  remedy?: string,
): z.ZodString {
  return z.string().refine((value) => value.length <= max && form.test(value), {
    error: (issue) => `${shown(issue.input)} is not ${what}`,
    params: { code, ...(remedy === undefined ? {} : { remedy }) },
  });
}

function shown(value: unknown): string {
  const whole = JSON.stringify(value);
  return whole.length > 80 ? `${whole.slice(0, 80)}…` : whole;
}

/** A list of at most so many entries. */
export function list<T extends z.ZodType>(of: T, max: number, min = 0): z.ZodArray<T> {
  const array = z.array(of).max(max);
  return min > 0 ? array.min(min) : array;
}

/** A mapping of at most so many texts, each of at most 4096 characters. */
export function mapOf(max: number): z.ZodType<Readonly<Record<string, string>>> {
  return textMap.refine((value) => Object.keys(value).length <= max, {
    error: () => `there are more than ${max} entries`,
    params: { code: "HDL0014" },
  });
}

export const objectName = z.string().min(1).max(253);
export const sectionName = formed(
  SUBDOMAIN,
  253,
  "a name in lower-case letters, digits, - and dots",
  "HDL0017",
);
export const group = formed(
  GROUP,
  253,
  "an API group",
  "HDL0017",
  "Write it without a version; Kubernetes' own group is empty.",
);
export const kindName = formed(KIND, 63, "a kind", "HDL0017");
export const namespaceName = formed(LABEL, 63, "a namespace", "HDL0017");
export const hostname = formed(
  HOSTNAME,
  253,
  "a host name",
  "HDL0020",
  "Write lower-case labels joined by dots; only the first may be *.",
);
/** Without a wildcard. */
export const preciseHostname = formed(SUBDOMAIN, 253, "a host name", "HDL0020");
export const headerName = formed(TOKEN, 256, "a header's name", "HDL0026");
export const gatewayDuration = formed(
  DURATION,
  20,
  "a duration of the Gateway API",
  "HDL0015",
  "Write it like 5s, 250ms or 1h30m: whole numbers of h, m, s and ms.",
);
export const port = z.int32().min(1).max(65535);
export const weight = z.int32().min(0).max(1_000_000);

export const parentReference: z.ZodType<ParentReference> = fields({
  group: optional(group),
  kind: optional(kindName),
  namespace: optional(namespaceName),
  name: objectName,
  sectionName: optional(sectionName),
  port: optional(port),
});

const backendFields = {
  group: optional(group),
  kind: optional(kindName),
  namespace: optional(namespaceName),
  name: objectName,
  port: optional(port),
};

/** Fields of every route, whatever it matches. */
export const routeFields = {
  parentRefs: optional(list(parentReference, 32)),
  useDefaultGateways: optional(z.enum(["All", "None"])),
};

/** Fields of a backend with a weight. */
export const weightedFields = { ...backendFields, weight: optional(weight) };

/** A backend that is a Service needs a port. */
export function withPort(context: z.core.ParsePayload<BackendObjectReference>): void {
  const { group: of = "", kind = "Service", port: number } = context.value;
  if (of !== "" || kind !== "Service" || number !== undefined) return;
  context.issues.push({
    code: "custom",
    input: context.value,
    message: "a reference to a Service has no port",
    params: { code: "HDL0012", remedy: "Add the port of the Service." },
  });
}

export const backendReference: z.ZodType<BackendObjectReference> =
  fields(backendFields).check(withPort);

export const secretReference: z.ZodType<SecretObjectReference> = fields({
  group: optional(group),
  kind: optional(kindName),
  namespace: optional(namespaceName),
  name: objectName,
});

export const objectReference: z.ZodType<ObjectReference> = fields({
  group,
  kind: kindName,
  namespace: optional(namespaceName),
  name: objectName,
});

export const localReference: z.ZodType<LocalObjectReference> = fields({
  group,
  kind: kindName,
  name: objectName,
});

export const labelSelector: z.ZodType<LabelSelector> = fields({
  matchLabels: optional(textMap),
  matchExpressions: optional(
    z.array(
      fields({
        key: text,
        operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
        values: optional(texts),
      }),
    ),
  ),
});

export const sessionPersistence: z.ZodType<SessionPersistence> = fields({
  type: optional(z.enum(["Cookie", "Header"])),
  absoluteTimeout: optional(gatewayDuration),
  cookie: optional(
    fields({
      name: optional(headerName),
      lifetimeType: optional(z.enum(["Permanent", "Session"])),
      path: optional(z.string().max(1024)),
    }),
  ),
  header: optional(fields({ name: headerName })),
});
