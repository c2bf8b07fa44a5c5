/** What a sidecar's TLS does, seen from outside: certificates that it holds and presents, handshakes, and plaintext that it refuses. */
import type { X509Certificate } from "node:crypto";
import net from "node:net";
import tls from "node:tls";

const PORT = 9080;
const ADMIN_PORT = 15000;

/** Serial numbers of the certificates that Envoy holds now, in lower-case hexadecimal. */
export async function heldSerials(adminAddress: string): Promise<Set<string>> {
  const response = await fetch(`http://${adminAddress}:${ADMIN_PORT}/certs`);
  const { certificates } = (await response.json()) as {
    certificates: { cert_chain: { serial_number: string }[] }[];
  };
  return new Set(
    certificates.flatMap(({ cert_chain }) =>
      cert_chain.map((cert) => plainSerial(cert.serial_number)),
    ),
  );
}

/** TLS handshakes that all listeners of an Envoy completed. */
export async function handshakes(adminAddress: string): Promise<number> {
  const response = await fetch(`http://${adminAddress}:${ADMIN_PORT}/stats?filter=ssl.handshake$`);
  const counts = (await response.text()).matchAll(/: (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

type Port = { readonly port: number; readonly servername?: string };

/** Its serial number alone. */
export const presentedSerial = async (address: string, withinMs?: number, at?: Port) =>
  plainSerial((await presentedLeaf(address, withinMs, at)).serialNumber);

/**
 * The certificate that a pod presents in a handshake, at its application's port unless told otherwise. A client without one of its own
 * sees it, and gets no further. Rejects where there is none within `withinMs`.
 */
export function presentedLeaf(
  address: string,
  withinMs = 15_000,
  at: Port = { port: PORT },
): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      ...{ host: address, ...at },
      rejectUnauthorized: false,
      ALPNProtocols: ["istio", "h2", "http/1.1"],
    });
    socket.setTimeout(withinMs, () =>
      socket.destroy(new Error(`no handshake with ${address} within ${withinMs} ms`)),
    );
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate) resolve(certificate);
      socket.destroy(new Error("a handshake without a certificate"));
    });
    socket.once("error", reject);
  });
}

/** What a client without TLS gets from a pod's port: the first line of an answer, "refused" where the connection was ended, or "hangs". */
export function plaintext(address: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(PORT, address);
    let [text, connected] = ["", false];
    let failed: NodeJS.ErrnoException | undefined;
    let hangs = false;
    socket.setTimeout(5_000, () => {
      hangs = true;
      socket.destroy();
    });
    socket.on("connect", () => {
      connected = true;
      socket.write("GET /health HTTP/1.1\r\nhost: reviews:9080\r\nconnection: close\r\n\r\n");
    });
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.on("error", (error) => (failed = error));
    socket.on("close", () => {
      const line = text.split("\r\n")[0];
      if (hangs) resolve(line ? `hangs after ${line}` : "hangs");
      else if (line) resolve(line);
      // Nobody listens, say: the proxy had no part in it.
      else if (!connected) resolve(`no connection: ${failed?.code}`);
      else resolve("refused");
    });
  });
}

/** Of whoever writes it in capitals, or with zeros before it. */
export function plainSerial(serial: string): string {
  return serial.toLowerCase().replace(/^0+/, "");
}
