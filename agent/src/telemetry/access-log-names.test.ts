import { accessLogFields, authorizationSources, validationSources } from "@heddle/telemetry";
import { ACCESS_LOG_ATTRIBUTES } from "@heddle/translate";
import { expect, test } from "vitest";

test("log lines are read by the names under which proxies are told to write them", () => {
  const { sourceCanonicalService, duration, ...same } = ACCESS_LOG_ATTRIBUTES;
  expect({ ...same, durationMs: duration, sourceService: sourceCanonicalService }).toMatchObject(
    accessLogFields,
  );
  expect(ACCESS_LOG_ATTRIBUTES).toMatchObject(authorizationSources);
});

test("so is what refused a request", () => {
  const { validation, validationReport, validationBody, validationDocument, details } =
    ACCESS_LOG_ATTRIBUTES;
  expect(validationSources).toEqual({
    details,
    object: validation,
    report: validationReport,
    body: validationBody,
    document: validationDocument,
  });
});
