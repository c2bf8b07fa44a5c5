import { accessLogFields, authorizationSources } from "@heddle/telemetry";
import { ACCESS_LOG_ATTRIBUTES } from "@heddle/translate";
import { expect, test } from "vitest";

test("log lines are read by the names under which proxies are told to write them", () => {
  const { sourceCanonicalService, duration, ...same } = ACCESS_LOG_ATTRIBUTES;
  expect({ ...same, durationMs: duration, sourceService: sourceCanonicalService }).toMatchObject(
    accessLogFields,
  );
  expect(ACCESS_LOG_ATTRIBUTES).toMatchObject(authorizationSources);
});
