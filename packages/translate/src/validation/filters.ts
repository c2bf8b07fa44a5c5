/** What one RequestValidation becomes in a listener: filters, answers, and how its connections read requests. */
import type { ExtensionWithMatcher } from "@heddle/envoy/extensions/common/matching/v3";
import type { SkipFilter } from "@heddle/envoy/extensions/filters/common/matcher/action/v3";
import type { Buffer } from "@heddle/envoy/extensions/filters/http/buffer/v3";
import type {
  Composite,
  ExecuteFilterAction,
} from "@heddle/envoy/extensions/filters/http/composite/v3";
import type { ExtAuthz } from "@heddle/envoy/extensions/filters/http/ext_authz/v3";
import type { RBAC } from "@heddle/envoy/extensions/filters/http/rbac/v3";
import type { Config as SetFilterState } from "@heddle/envoy/extensions/filters/http/set_filter_state/v3";
import type {
  HttpConnectionManager,
  HttpFilter,
} from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { type MeshObject, protoDuration, type RequestValidation } from "@heddle/model";
import {
  OPENAPI_FILTER,
  REQUEST_BODY_FILTER,
  REQUEST_PATH_FILTER,
  REQUEST_VALIDATION_FILTER,
} from "../filter/names.ts";
import { XDS_CLUSTER } from "../names.ts";
import { derivation } from "../read.ts";
import { extension, typedConfig } from "../typed-config.ts";
import {
  ADDED_BY_PROXIES,
  bodyLimit,
  type Checks,
  checksOf,
  MOST_CHECKED,
  PATH_STATE,
  readsPath,
  rulesOf,
  says,
} from "./checks.ts";
import { allOf, type Case, firstOf, not, type OnMatch } from "./matcher.ts";
import { answerTo } from "./refusal.ts";

type Validation = MeshObject<RequestValidation>;

export interface ValidationFilters {
  /** `namespace/name`. */
  readonly name: string;
  /** By headers alone, before anybody is asked. */
  readonly checks: readonly HttpFilter[];
  /** Holds back bodies, and asks the agent. */
  readonly bodies: readonly HttpFilter[];
  readonly connection: ConnectionSettings;
  readonly told: ValidationTold;
}

export interface ConnectionSettings extends Pick<
  HttpConnectionManager,
  "mergeSlashes" | "pathWithEscapedSlashesAction" | "localReplyConfig"
> {
  readonly maxRequestHeadersKb?: number;
  readonly maxHeadersCount?: number;
}

/** What access logs have to tell of it, besides Envoy's own details of a refusal. */
export interface ValidationTold {
  /** `namespace/name` of what also decides before any filter. */
  readonly object: string;
  readonly reports?: boolean;
  readonly bodies?: boolean;
  readonly openapi?: boolean;
}

/** Shared by all listeners that it is for; undefined where it is gone. */
export const validationFilters = derivation<string, ValidationFilters | undefined>(
  "request-validation",
  (key) => key,
  (read, key) => {
    const validation = read.object<RequestValidation>(key);
    return validation && filtersOf(validation);
  },
);

/** Keys of what an access log keeps of a request that would be refused. */
export const SHADOW_PREFIX = "request_validation_";

/** Metadata by which an agent is told what to check by; read in `agent/src/openapi`. */
export const OPENAPI_OBJECT = "heddle-request-validation";
export const OPENAPI_MODE = "heddle-mode";
/** The key of what it found, in the metadata that all filters of this type share. */
export const OPENAPI_REFUSED = "heddle.openapi.refused";

function filtersOf(validation: Validation): ValidationFilters {
  const { metadata, spec } = validation;
  const name = `${metadata.namespace}/${metadata.name}`;
  const reports = spec.mode === "REPORT";
  const checks = checksOf(validation);
  const held = reports ? [] : heldBodies(validation);
  const any = checks.refusals.length > 0;
  return {
    name,
    checks: any
      ? [...(readsPath(validation) ? [PATH_FILTER] : []), judging(checks, reports)]
      : readsPath(validation) && held.length > 0
        ? [PATH_FILTER]
        : [],
    bodies: [...held, ...(spec.openapi ? [askingAgent(name, spec)] : [])],
    connection: reports ? {} : connectionSettings(spec, checks),
    told: {
      object: name,
      ...(reports && any ? { reports } : {}),
      ...(held.length > 0 ? { bodies: true } : {}),
      ...(spec.openapi ? { openapi: true } : {}),
    },
  };
}

const PATH_FILTER: HttpFilter = extension<SetFilterState>(
  REQUEST_PATH_FILTER,
  "envoy.extensions.filters.http.set_filter_state.v3.Config",
  {
    onRequestHeaders: [
      {
        objectKey: PATH_STATE,
        factoryKey: "envoy.string",
        // Not what a header says that it was before: any caller can send that.
        formatString: { textFormatSource: { inlineString: "%PATH(NQ:PATH)%" } },
      },
    ],
  },
);

function judging({ tree }: Checks, reports: boolean): HttpFilter {
  return extension<RBAC>(
    REQUEST_VALIDATION_FILTER,
    "envoy.extensions.filters.http.rbac.v3.RBAC",
    reports
      ? { shadowMatcher: tree, shadowRulesStatPrefix: SHADOW_PREFIX }
      : { matcher: tree, rulesStatPrefix: SHADOW_PREFIX },
  );
}

/** A body that does not say its length is held back until it ends or is too large. */
function heldBodies(validation: Validation): readonly HttpFilter[] {
  const cases = rulesOf(validation).map((rule): Case => [rule.when, held(validation, rule)]);
  const rest = bodyLimit(validation) ? held(validation) : undefined;
  if (rest === undefined && cases.every(([, then]) => then === PASS)) return [];
  const tree = firstOf(cases, rest ?? PASS);
  // An upgraded connection has no end that could be waited for; of others Envoy has taken the header away.
  const silent = allOf([not(says("content-length")), not(says("upgrade"))]);
  return [
    extension<ExtensionWithMatcher>(
      REQUEST_BODY_FILTER,
      "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
      {
        xdsMatcher: firstOf([[silent, { matcher: tree }]], PASS),
        extensionConfig: extension<Composite>(
          REQUEST_BODY_FILTER,
          "envoy.extensions.filters.http.composite.v3.Composite",
          {},
        ),
      },
    ),
  ];
}

const PASS: OnMatch = {
  action: extension<SkipFilter>(
    "pass",
    "envoy.extensions.filters.common.matcher.action.v3.SkipFilter",
    {},
  ),
};

function held(...of: Parameters<typeof bodyLimit>): OnMatch {
  const limit = bodyLimit(...of);
  if (limit === undefined) return PASS;
  const { name } = limit.refusal;
  return {
    action: extension<ExecuteFilterAction>(
      name,
      "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction",
      {
        // By this name logs know which limit a body was held by.
        typedConfig: extension<Buffer>(name, "envoy.extensions.filters.http.buffer.v3.Buffer", {
          maxRequestBytes: limit.bytes,
        }),
      },
    ),
  };
}

/** Longer than an agent takes by far; a request should not wait longer to be checked. */
const ANSWER_WITHIN = "1s";

function askingAgent(name: string, { mode = "ENFORCE", openapi }: RequestValidation): HttpFilter {
  const { maxBodyBytes = MOST_CHECKED, timeout = ANSWER_WITHIN, onFailure } = openapi ?? {};
  const reports = mode === "REPORT";
  return {
    name: OPENAPI_FILTER,
    typedConfig: typedConfig<ExtAuthz>("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", {
      grpcService: {
        envoyGrpc: { clusterName: XDS_CLUSTER },
        timeout: protoDuration(timeout),
        initialMetadata: [
          { key: OPENAPI_OBJECT, value: name },
          { key: OPENAPI_MODE, value: mode },
        ],
      },
      transportApiVersion: "V3",
      failureModeAllow: reports || onFailure === "ALLOW",
      statusOnError: { code: "ServiceUnavailable" },
      // What is held back is small enough; only where nothing is, a part may have to do.
      withRequestBody: {
        maxRequestBytes: maxBodyBytes,
        packAsBytes: true,
        ...(reports ? { allowPartialMessage: true } : {}),
      },
      statPrefix: "openapi",
    }),
  };
}

/** So much more headers are read than a limit says, in KiB: what a codec refuses by itself has no name in logs. */
const SPARE_KB = 16;
/** Envoy's most. */
const MOST_HEADERS_KB = 8192;

const ESCAPED_SLASHES = {
  KEEP: "KEEP_UNCHANGED",
  DECODE: "UNESCAPE_AND_FORWARD",
  REDIRECT: "UNESCAPE_AND_REDIRECT",
  // By a check of its own, which has a name.
  REFUSE: "KEEP_UNCHANGED",
} as const;

function connectionSettings(
  { paths = {}, limits = {} }: RequestValidation,
  { refusals }: Checks,
): ConnectionSettings {
  const { mergeSlashes, escapedSlashes } = paths;
  const { headers, headerBytes } = limits;
  return {
    ...(mergeSlashes === undefined ? {} : { mergeSlashes }),
    ...(escapedSlashes ? { pathWithEscapedSlashesAction: ESCAPED_SLASHES[escapedSlashes] } : {}),
    ...(headers === undefined ? {} : { maxHeadersCount: headers + ADDED_BY_PROXIES }),
    ...(headerBytes === undefined
      ? {}
      : {
          maxRequestHeadersKb: Math.min(Math.ceil(headerBytes / 1024) + SPARE_KB, MOST_HEADERS_KB),
        }),
    ...(refusals.length > 0 ? { localReplyConfig: { mappers: refusals.map(answerTo) } } : {}),
  };
}
