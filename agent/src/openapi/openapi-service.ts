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
  close(): Promise<void>;
}

export function createOpenApiService({ get, ...options }: OpenApiOptions): OpenApiService {
  const checker = createChecker(options);
  const numbers = { passed: 0, refused: 0, failed: 0 };

  async function answer(call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer> {
    const said = (key: string) => String(call.metadata.get(key)[0] ?? "");
    const name = said(OPENAPI_OBJECT);
    const object = get(`heddle.dev/RequestValidation/${name}`) as
      | MeshObject<RequestValidation>
      | undefined;
    const document = object?.spec.openapi?.document;
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
    close: () => checker.close(),
  };
}

const METHOD = unary("/envoy.service.auth.v3.Authorization/Check");
