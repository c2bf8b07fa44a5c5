/**
 * A proxy's start and end around its application. Stock Envoy has no launcher that waits for anything, so kubelet waits: by a
 * probe at native sidecars, else by hooks, which need a shell in the image.
 */
import type { Handler } from "./pod.ts";

/** Asks and reads by the shell itself: Envoy's images have no HTTP client. */
function script(...lines: readonly string[]): Handler {
  return { exec: { command: ["/bin/bash", "-c", lines.join("\n")] } };
}

/**
 * Holds back the containers that come after this one until the proxy is ready. It asks by the loopback: what the proxy's user
 * sends to the pod's own address is led back to the proxy.
 */
export function waitForReadiness(adminPort: number): Handler {
  return script(
    // A proxy that goes while it is asked is asked again.
    "trap '' PIPE",
    "until {",
    `  exec 3<>/dev/tcp/127.0.0.1/${adminPort} &&`,
    String.raw`  printf 'GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' >&3 &&`,
    '  read -r _ status _ <&3 && [ "$status" = 200 ]',
    "} 2>/dev/null; do sleep 0.2; done",
  );
}

/**
 * Keeps the proxy while others still send requests: it takes a while until everybody knows that a pod goes. With a shell its
 * clients are told to go elsewhere meanwhile; of a sidecar, those that come in.
 */
export function drain(
  type: "sidecar" | "router",
  milliseconds: number,
  adminPort: number,
  shell: boolean,
): Handler | undefined {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds === 0) return undefined;
  if (!shell) return { sleep: { seconds } };
  const query = type === "sidecar" ? "inboundonly&graceful" : "graceful";
  return script(
    `if exec 3<>/dev/tcp/127.0.0.1/${adminPort}; then`,
    String.raw`  printf 'POST /drain_listeners?${query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n' >&3`,
    "fi",
    `sleep ${seconds}`,
  );
}
