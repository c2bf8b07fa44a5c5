/** Checks of requests against OpenAPI documents: what the rest of the agent uses of them. */
export {
  createOpenApiService,
  type OpenApiNumbers,
  type OpenApiService,
} from "./openapi-service.ts";
