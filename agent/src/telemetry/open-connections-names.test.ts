import { maximumOpenConnections, openConnectionGauges } from "@heddle/telemetry";
import { MAX_OPEN_CONNECTIONS, OPEN_CONNECTION } from "@heddle/translate";
import { expect, test } from "vitest";

test("proxies and the agent have the same names for what is told of open connections, and the same limit", () => {
  expect(openConnectionGauges).toEqual(OPEN_CONNECTION);
  expect(maximumOpenConnections).toBe(MAX_OPEN_CONNECTIONS);
});
