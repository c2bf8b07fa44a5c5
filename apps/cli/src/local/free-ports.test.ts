import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { assertFree, type WantedAddress } from "./free-ports.ts";

const servers: net.Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0))
    await new Promise((resolve) => server.close(() => resolve(undefined)));
});

async function listen(host: string, port = 0): Promise<number> {
  const server = net.createServer();
  servers.push(server);
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(port, host, resolve),
  );
  return (server.address() as net.AddressInfo).port;
}

const wanted = (port: number, flag: WantedAddress["flag"]): WantedAddress => ({
  host: "127.57.0.1",
  port,
  what: "the agent's xDS",
  flag,
});

describe("addresses that are about to be used", () => {
  it("are all right while nobody listens, and are left free", async () => {
    const port = await listen("127.58.0.1");
    await assertFree([wanted(port, "--block")]);
    await assertFree([wanted(port, "--block")]);
  });

  it("are named with what they are for and the flag that moves them", async () => {
    const port = await listen("127.57.0.1");
    await expect(assertFree([wanted(0, "--block"), wanted(port, "--block")])).rejects.toMatchObject(
      {
        code: "HDL9043",
        message: `Port ${port} on 127.57.0.1, for the agent's xDS, is in use.`,
        remedy: "End the program that holds it, or choose another with --block.",
      },
    );
    await expect(assertFree([wanted(port, "--gateway-port")])).rejects.toMatchObject({
      remedy: expect.stringContaining("--gateway-port"),
    });
  });

  it("say that another block is of no use against a program that listens on every address", async () => {
    const port = await listen("0.0.0.0");
    await expect(assertFree([wanted(port, "--block")])).rejects.toMatchObject({
      code: "HDL9043",
      remedy: expect.stringMatching(/listens on every address, so no other --block helps/),
    });
  });

  it("say why where they cannot be listened on at all", async () => {
    await expect(
      assertFree([{ ...wanted(8080, "--block"), host: "192.0.2.1" }]),
    ).rejects.toMatchObject({
      code: "HDL9043",
      message: expect.stringMatching(/Cannot listen on 192\.0\.2\.1:8080.*EADDRNOTAVAIL/),
    });
  });
});
