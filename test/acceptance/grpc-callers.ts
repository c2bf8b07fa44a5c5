/** gRPC's own xDS clients: one in JavaScript, in this process, and one in Go, built where Go is there to build it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";

/** In `grpc-go-client`, too. */
export const SAY = {
  path: "/test.Echo/Say",
  requestStream: false,
  responseStream: false,
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
} as const;

export interface Calls {
  readonly target: string;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
  /** One after the other. */
  readonly count: number;
  /** Of each call. */
  readonly timeoutMs: number;
}

export interface Outcome {
  /** How often each text came back. */
  readonly replies: Readonly<Record<string, number>>;
  /** How many calls ended with each status, by its number. */
  readonly codes: Readonly<Record<string, number>>;
  /** Of the last call that failed; empty for none. */
  readonly error: string;
}

export interface Caller {
  call(calls: Calls): Promise<Outcome>;
  stop(): void;
}

/** What gRPC reads its control plane and its certificates from. */
export function bootstrapOf(xds: string, id: string, certificates?: CertificateFiles): string {
  return JSON.stringify({
    xds_servers: [
      { server_uri: xds, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] },
    ],
    node: {
      id,
      locality: {},
      metadata: certificates ? { HEDDLE_CERTIFICATE_PROVIDER: "workload" } : {},
    },
    ...(certificates
      ? {
          certificate_providers: {
            workload: { plugin_name: "file_watcher", config: certificates },
          },
        }
      : {}),
  });
}

export interface CertificateFiles {
  readonly certificate_file: string;
  readonly private_key_file: string;
  readonly ca_certificate_file: string;
}

/** One to a process: it reads its bootstrap once. */
export function startGrpcJs(bootstrap: string): Caller {
  process.env["GRPC_XDS_BOOTSTRAP_CONFIG"] = bootstrap;
  register();
  const clients = new Map<string, grpc.Client>();
  return {
    async call({ target, message, headers, count, timeoutMs }) {
      const client =
        clients.get(target) ?? new grpc.Client(target, grpc.credentials.createInsecure());
      clients.set(target, client);
      const replies: Record<string, number> = {};
      const codes: Record<string, number> = {};
      let error = "";
      for (let i = 0; i < count; i++) {
        const metadata = new grpc.Metadata();
        for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
        const code = await new Promise<number>((resolve) => {
          client.makeUnaryRequest(
            SAY.path,
            SAY.requestSerialize,
            SAY.responseDeserialize,
            Buffer.from(message),
            metadata,
            { deadline: Date.now() + timeoutMs },
            (failure, value) => {
              if (failure) error = failure.message;
              else replies[String(value)] = (replies[String(value)] ?? 0) + 1;
              resolve(failure?.code ?? grpc.status.OK);
            },
          );
        });
        codes[code] = (codes[code] ?? 0) + 1;
      }
      return { replies, codes, error };
    },
    stop() {
      for (const client of clients.values()) client.close();
    },
  };
}

/** @param program from `buildGrpcGo`. */
export function startGrpcGo(program: string, bootstrap: string): Caller {
  const child: ChildProcess = spawn(program, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: bootstrap },
  });
  const waiting: ((outcome: Outcome) => void)[] = [];
  if (child.stdout)
    createInterface(child.stdout).on("line", (line) =>
      waiting.shift()?.(JSON.parse(line) as Outcome),
    );
  return {
    call(calls) {
      child.stdin?.write(`${JSON.stringify(calls)}\n`);
      return new Promise((resolve) => waiting.push(resolve));
    },
    stop: () => void child.kill("SIGKILL"),
  };
}

/** Undefined, and said so, where there is no Go, or no modules to build it with. In CI that is a failure. */
export function buildGrpcGo(folder: string): string | undefined {
  const program = path.join(folder, "grpc-go-client");
  try {
    execFileSync("go", ["build", "-buildvcs=false", "-o", program, "."], {
      cwd: path.join(import.meta.dirname, "grpc-go-client"),
      stdio: ["ignore", "ignore", "pipe"],
    });
    return program;
  } catch (error) {
    if (process.env["CI"]) throw error;
    console.warn(`skipped: the gRPC client in Go could not be built: ${(error as Error).message}`);
    return undefined;
  }
}
