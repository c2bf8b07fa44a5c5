/** Envoy's authorization service: proxies ask whether a request is as an OpenAPI document of a RequestValidation describes. */
import {
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { MeshObject, RequestValidation } from "@heddle/model";
import { OPENAPI_MODE, OPENAPI_OBJECT } from "@heddle/translate";
import { unary } from "../grpc-bytes.ts";
import { type CheckerOptions, createChecker } from "./checker.ts";
import { readAsk, writeAnswer } from "./messages.ts";

export interface OpenApiOptions extends CheckerOptions {
  /** An object of the model by its key. */
  readonly get: (key: string) => MeshObject | undefined;
}

export interface OpenApiNumbers {
  /** As described. */
  readonly passed: number;
  readonly refused: number;
  /** Nobody could say. */
  readonly failed: number;
}

export interface OpenApiService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  numbers(): OpenApiNumbers;
  /** Objects by these keys came, changed or went: documents are read before requests are to be checked against them. */
  objectsChanged(keys: readonly string[]): void;
  close(): Promise<void>;
}

export function createOpenApiService({ get, ...options }: OpenApiOptions): OpenApiService {
  const checker = createChecker(options);
  const numbers = { passed: 0, refused: 0, failed: 0 };

  function documentAt(key: string): string | undefined {
    const object = get(key) as MeshObject<RequestValidation> | undefined;
    return object?.spec.openapi?.document;
  }

  async function answer(call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer> {
    const said = (key: string) => String(call.metadata.get(key)[0] ?? "");
    const name = said(OPENAPI_OBJECT);
    const document = documentAt(`${KEYS}${name}`);
    if (document === undefined) throw new Error(`there is no document of ${name} here`);
    const request = readAsk(call.request);
    const refused = await checker.check({ name, document, request, gone: () => call.cancelled });
    numbers[refused ? "refused" : "passed"]++;
    return Buffer.from(writeAnswer(refused, said(OPENAPI_MODE) === "REPORT"));
  }

  return {
    definition: { Check: METHOD },
    implementation: {
      Check: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
        void answer(call).then(
          (bytes) => reply(null, bytes),
          (error: unknown) => {
            numbers.failed++;
            // Whether the request goes on is the proxy's to decide.
            reply({ code: status.UNAVAILABLE, details: String(error) });
          },
        ),
    },
    numbers: () => ({ ...numbers }),
    objectsChanged(keys) {
      for (const key of keys) {
        const document = key.startsWith(KEYS) ? documentAt(key) : undefined;
        if (document !== undefined) checker.prepare(key.slice(KEYS.length), document);
      }
    },
    close: () => checker.close(),
  };
}

/** Of the objects that have documents. */
const KEYS = "heddle.dev/RequestValidation/";
const METHOD = unary("/envoy.service.auth.v3.Authorization/Check");
