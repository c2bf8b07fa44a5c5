/** Git repositories over HTTP, by what Git itself has for that: `git http-backend` behind a server that speaks CGI with it. */
import { execFile, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
export const BRANCH = "main";

export interface GitServer {
  readonly url: string;
  /** Makes these files the repository's content, in a commit. Paths are of the repository. */
  commit(message: string, files: Readonly<Record<string, string>>): Promise<string>;
  close(): Promise<void>;
}

/** One repository in the folder, which has no commit yet, at a port that is free. */
export async function startGitServer(folder: string, host: string): Promise<GitServer> {
  await mkdir(folder, { recursive: true });
  const git = async (...args: string[]) => {
    const { stdout } = await run("git", ["-C", folder, ...args], {
      // Nobody's settings count.
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    });
    return stdout.trim();
  };
  await git("init", "--quiet", `--initial-branch=${BRANCH}`);
  const server = createServer((request, response) => answer(folder, request, response));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://${host}:${port}/`,
    async commit(message, files) {
      await git("rm", "-r", "--quiet", "--ignore-unmatch", ".");
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
        await writeFile(path.join(folder, name), text);
      }
      await git("add", "--all");
      const author = ["-c", "user.name=test", "-c", "user.email=test@heddle.test"];
      await git(...author, "commit", "--quiet", "-m", message);
      return git("rev-parse", "HEAD");
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** RFC 3875. */
function answer(folder: string, request: IncomingMessage, response: ServerResponse): void {
  // A client that puts a path behind the URL's own slash asks for two of them, which is the start of a host to a relative URL.
  const { pathname, search } = new URL(`http://git/${(request.url ?? "").replace(/^\/+/, "")}`);
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: path.join(folder, ".git"),
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  backend.stdin.on("error", () => {});
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("error", () => response.writeHead(500).end());
  backend.on("close", () => {
    const said = Buffer.concat(chunks);
    const end = said.indexOf("\r\n\r\n");
    const headers = said
      .subarray(0, Math.max(end, 0))
      .toString()
      .split("\r\n")
      .map((line) => /^([^:]+):\s*(.*)$/.exec(line))
      .flatMap((match): [string, string][] => (match ? [[match[1] ?? "", match[2] ?? ""]] : []));
    const status = headers.find(([name]) => name.toLowerCase() === "status")?.[1];
    response.writeHead(
      Number.parseInt(status ?? (end < 0 ? "500" : "200"), 10),
      headers.filter(([name]) => name.toLowerCase() !== "status").flat(),
    );
    response.end(end < 0 ? "" : said.subarray(end + 4));
  });
}
