import { expect, test } from "vitest";
import { MAX_OPEN_CONNECTIONS, OPEN_CONNECTION } from "./open-connections.ts";

test("proxies and agents of two releases have the same names for what is told of open connections, and the same limit", () => {
  expect(OPEN_CONNECTION).toEqual({
    labels: "istio_tcp_connection_open",
    received: "istio_tcp_received_bytes_open",
    sent: "istio_tcp_sent_bytes_open",
  });
  expect(MAX_OPEN_CONNECTIONS).toBe(1000);
});
