import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  followConnections,
  mergeScrapes,
  parsePrometheus,
  requestDeltas,
  requestTotals,
  toldBefore,
  type Family,
  type ProxyTotals,
  type ToldBytes,
} from "../index.ts";

const SENT = "envoy_heddle_istio_tcp_sent_bytes_total";
const RECEIVED = "envoy_heddle_istio_tcp_received_bytes_total";

/** A scrape of a proxy whose connections go to one service each. */
function scrape(text: string): Family[] {
  return parsePrometheus(text);
}

const valueOf = (families: readonly Family[], name: string, labels = 'to="db"') =>
  families
    .find((family) => family.name === name)
    ?.samples.find((sample) => sample.labels === labels)?.value;

function lines(
  counted: { sent: number; received: number },
  open: readonly { number: number; sent: number; received: number }[],
  uptime = 100,
): string {
  const gauge = (way: "sent" | "received") =>
    open.map(
      (each) =>
        `envoy_heddle_istio_tcp_${way}_bytes_open{heddle_connection="${each.number}"} ${each[way]}`,
    );
  return [
    `envoy_server_uptime{} ${uptime}`,
    `${SENT}{to="db"} ${counted.sent}`,
    `${RECEIVED}{to="db"} ${counted.received}`,
    ...open.map(
      ({ number }) =>
        `envoy_heddle_istio_tcp_connection_open{to="db",heddle_connection="${number}",heddle_bytes="both"} 1`,
    ),
    ...gauge("sent"),
    ...gauge("received"),
    "",
  ].join("\n");
}

describe("bytes of connections that go on", () => {
  test("are in the counters of their labels, and nowhere else", () => {
    const { families, connections } = followConnections(
      scrape(
        lines({ sent: 100, received: 7 }, [
          { number: 3, sent: 20, received: 1 },
          { number: 4, sent: 3, received: 2 },
        ]),
      ),
      undefined,
      0,
    );
    expect(valueOf(families, SENT)).toBe(123);
    expect(valueOf(families, RECEIVED)).toBe(10);
    expect(connections).toBe(2);
    expect(families.map(({ name }) => name)).toEqual(["envoy_server_uptime", SENT, RECEIVED]);
  });

  test("have each way's own labels where a Telemetry gives them such, and unknown where the proxy has none", () => {
    const { families } = followConnections(
      scrape(
        [
          `${SENT}{to="db",of="unknown",by="me"} 1`,
          `${RECEIVED}{} 2`,
          `envoy_heddle_istio_tcp_connection_open{to="db",of="",by="me",heddle_connection="3",heddle_bytes="sent"} 1`,
          `envoy_heddle_istio_tcp_connection_open{heddle_connection="3",heddle_bytes="received"} 1`,
          `envoy_heddle_istio_tcp_sent_bytes_open{heddle_connection="3"} 10`,
          `envoy_heddle_istio_tcp_received_bytes_open{heddle_connection="3"} 20`,
          "",
        ].join("\n"),
      ),
      undefined,
      0,
    );
    expect(valueOf(families, SENT, 'to="db",of="unknown",by="me"')).toBe(11);
    expect(valueOf(families, RECEIVED, "")).toBe(22);
  });

  test("are those of the labels that the connection had last", () => {
    const connection = (to: string, at: number) =>
      `envoy_heddle_istio_tcp_connection_open{to="${to}",heddle_connection="3",heddle_bytes="both"} ${at}`;
    const { families, connections } = followConnections(
      scrape(
        [
          `${SENT}{to="unknown"} 0`,
          `${SENT}{to="db"} 0`,
          connection("", 1000),
          connection("db", 3000),
          connection("", 2000),
          `envoy_heddle_istio_tcp_sent_bytes_open{heddle_connection="3"} 10`,
          "",
        ].join("\n"),
      ),
      undefined,
      0,
    );
    expect(valueOf(families, SENT)).toBe(10);
    expect(valueOf(families, SENT, 'to="unknown"')).toBe(0);
    expect(connections).toBe(1);
  });

  test("stay told when a scrape falls between a connection's last moments", () => {
    const first = followConnections(
      scrape(lines({ sent: 0, received: 0 }, [{ number: 1, sent: 50, received: 5 }])),
      undefined,
      0,
    );
    const between = followConnections(
      scrape(lines({ sent: 0, received: 0 }, [{ number: 1, sent: 0, received: 0 }])),
      first.told,
      1000,
    );
    expect(valueOf(between.families, SENT)).toBe(50);
    const after = followConnections(
      scrape(lines({ sent: 60, received: 6 }, [{ number: 1, sent: 0, received: 0 }])),
      between.told,
      2000,
    );
    expect(valueOf(after.families, SENT)).toBe(60);
  });

  test("of a proxy that was started anew begin at zero", () => {
    const { told } = followConnections(
      scrape(lines({ sent: 40, received: 0 }, [{ number: 1, sent: 50, received: 5 }])),
      undefined,
      0,
    );
    const young = followConnections(
      scrape(lines({ sent: 0, received: 0 }, [{ number: 1, sent: 8, received: 5 }], 2)),
      told,
      5000,
    );
    expect(valueOf(young.families, SENT)).toBe(8);
    // Nor where it does not tell its uptime, but counts less.
    const fell = followConnections(
      scrape(lines({ sent: 3, received: 0 }, [{ number: 1, sent: 8, received: 5 }])),
      told,
      5000,
    );
    expect(valueOf(fell.families, SENT)).toBe(11);
  });
});

/** A proxy as `tcp-metrics.ts` sets it up: each step here is one that another thread's scrape can fall between. */
class Proxy {
  counter = 0;
  readonly connections = new Map<number, { bytes: number; gauge?: number; ending: boolean }>();
  private counters: number | undefined;

  send(number: number, bytes: number): void {
    const known = this.connections.get(number) ?? { bytes: 0, ending: false };
    if (!known.ending) known.bytes += bytes;
    this.connections.set(number, known);
  }
  interval(number: number): void {
    const known = this.connections.get(number);
    if (known && !known.ending) known.gauge = known.bytes;
  }
  /** First the gauge falls, then the counter rises. */
  end(number: number): void {
    const known = this.connections.get(number);
    if (!known) return;
    if (!known.ending) {
      known.ending = true;
      if (known.gauge !== undefined) known.gauge = 0;
      return;
    }
    this.counter += known.bytes;
    this.connections.delete(number);
  }
  /** First the counters are read, then the gauges. */
  scrape(uptime: number): Family[] | undefined {
    if (this.counters === undefined) {
      this.counters = this.counter;
      return undefined;
    }
    const counted = { sent: this.counters, received: this.counters };
    this.counters = undefined;
    const open = [...this.connections].flatMap(([number, { gauge }]) =>
      gauge === undefined ? [] : [{ number, sent: gauge, received: gauge }],
    );
    return scrape(lines(counted, open, uptime));
  }
  /** All bytes that went through it. */
  total(): number {
    return [...this.connections.values()].reduce((sum, { bytes }) => sum + bytes, this.counter);
  }
}

const number = fc.nat(3);
const step = fc.oneof(
  { weight: 9, arbitrary: fc.record({ do: fc.constant("send"), number, bytes: fc.nat(1000) }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant("interval"), number }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant("end"), number }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant("scrape") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("agent starts anew") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("proxy starts anew") }) },
);

test("never go back and are never more than were sent, and all of them are told when all has ended, in whatever order it happens", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      let proxy = new Proxy();
      let told: ToldBytes | undefined;
      let totals: ProxyTotals | undefined;
      /** What this life of the proxy and earlier ones are known for, and what went up to the plane. */
      let [seen, before, pushed] = [0, 0, 0];
      let [at, startedAt] = [100_000, 0];
      const take = () => {
        const families = proxy.scrape((at - startedAt) / 1000);
        if (!families) return;
        at += 1000;
        const followed = followConnections(families, told ?? (totals && toldBefore(totals)), at);
        ({ told } = followed);
        const now = valueOf(followed.families, SENT)!;
        expect(now).toBeGreaterThanOrEqual(seen);
        expect(now).toBeLessThanOrEqual(proxy.total());
        seen = now;
        const merged = mergeScrapes([{ labels: {}, families: followed.families }]);
        const current = requestTotals(merged, at);
        const points = requestDeltas(totals, current, { time: at, watchedMs: 1e9 });
        totals = current;
        for (const { sent, received } of points) {
          expect(sent).toBe(received);
          expect(sent).toBeGreaterThan(0);
          pushed += sent;
        }
        expect(pushed).toBe(before + seen);
      };
      for (const one of steps) {
        if (one.do === "send") proxy.send(one.number, one.bytes);
        else if (one.do === "interval") proxy.interval(one.number);
        else if (one.do === "end") proxy.end(one.number);
        else if (one.do === "scrape") take();
        else if (one.do === "agent starts anew") told = undefined;
        else {
          proxy = new Proxy();
          at += 15_000;
          startedAt = at;
          [seen, before] = [0, before + seen];
        }
      }
      for (const each of proxy.connections.keys()) {
        proxy.end(each);
        proxy.end(each);
      }
      for (let count = 0; count < 4; count++) take();
      expect(seen).toBe(proxy.total());
      expect(pushed).toBe(before + proxy.total());
    }),
    { numRuns: 300 },
  );
});
