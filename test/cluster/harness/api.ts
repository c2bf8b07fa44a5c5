/** Asks the API server what the harness waits for, without a process for each question. */
import { readFile } from "node:fs/promises";
import https from "node:https";

const ANSWER_WITHIN_MS = 5_000;

/** What a kubeconfig of ours holds (credentials.ts). */
interface Kubeconfig {
  readonly clusters: readonly [
    {
      readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
    },
  ];
  readonly users: readonly [
    {
      readonly user: {
        readonly "client-certificate-data": string;
        readonly "client-key-data": string;
      };
    },
  ];
}

export interface ApiAnswer {
  /** 0 where there was none. */
  readonly status: number;
  /** Why there was no answer, where there was none. */
  readonly body: string;
}

/** The server of a kubeconfig of ours, and the credentials for requests to it. */
export async function administrator(kubeconfigFile: string) {
  const kubeconfig = JSON.parse(await readFile(kubeconfigFile, "utf8")) as Kubeconfig;
  const [{ cluster }] = kubeconfig.clusters;
  const [{ user }] = kubeconfig.users;
  const bytes = (base64: string) => Buffer.from(base64, "base64");
  return {
    server: new URL(cluster.server),
    options: {
      ca: bytes(cluster["certificate-authority-data"]),
      cert: bytes(user["client-certificate-data"]),
      key: bytes(user["client-key-data"]),
    },
  };
}

export async function askApi(kubeconfigFile: string, path: string): Promise<ApiAnswer> {
  const { server, options } = await administrator(kubeconfigFile);
  return new Promise((resolve) => {
    const request = https.get(new URL(path, server), {
      ...options,
      timeout: ANSWER_WITHIN_MS,
      agent: false,
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", (error) => resolve({ status: 0, body: error.message }));
    request.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", (error) => resolve({ status: 0, body: error.message }));
    });
  });
}
