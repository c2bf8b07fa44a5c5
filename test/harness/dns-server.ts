/** A name server of tests: answers questions for IPv4 addresses from a table, and others with "no such name". */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { createSocket } from "node:dgram";

const PORT = 5353;
const TYPE_A = 1;
const HEADER_BYTES = 12;

/** `names`: addresses by name. Returns how to end it. */
export function startDnsServer(
  address: string,
  names: Readonly<Record<string, readonly string[]>>,
  { port: own = PORT }: { readonly port?: number } = {},
): Promise<() => Promise<void>> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { address: to, port }) => {
    socket.send(answerTo(query, names), port, to);
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(own, address, () =>
      resolve(() => new Promise((done) => socket.close(() => done()))),
    );
  });
}

/** A bootstrap whose Envoy asks the name server at an address. */
export function asking(address: string): (bootstrap: Bootstrap) => Bootstrap {
  return (bootstrap) => ({
    ...bootstrap,
    typedDnsResolverConfig: {
      name: "envoy.network.dns_resolver.cares",
      typedConfig: {
        "@type":
          "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        resolvers: [{ socketAddress: { address, portValue: PORT } }],
        dnsResolverOptions: { noDefaultSearchDomain: true },
      },
    },
  });
}

/** RFC 1035, section 4: one question, its answers by reference to the name in it. */
function answerTo(query: Buffer, names: Readonly<Record<string, readonly string[]>>): Buffer {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  const question = query.subarray(HEADER_BYTES, at + 5);
  const known = names[labels.join(".").toLowerCase()];
  const addresses = query.readUInt16BE(at + 1) === TYPE_A ? (known ?? []) : [];
  const header = Buffer.from(query.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  header.writeUInt32BE(0, 8);
  const answers = addresses.map((address) => {
    const record = Buffer.alloc(16);
    record.writeUInt16BE(0xc0_00 | HEADER_BYTES, 0);
    record.writeUInt16BE(TYPE_A, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(4, 10);
    for (const [index, part] of address.split(".").entries()) record[12 + index] = Number(part);
    return record;
  });
  return Buffer.concat([header, question, ...answers]);
}
