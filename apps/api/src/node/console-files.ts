/** The console's built files, served from memory with ETags and gzip; any page's address answers with its index. */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import type { Fallback } from "../http/methods.ts";

interface File {
  readonly type: string;
  readonly etag: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer> | undefined;
  readonly immutable: boolean;
}

/** Below this, compression saves nothing. */
const LEAST_GZIP = 1024;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
};

/** Answers GET and HEAD of files in `directory`; undefined for everything else. A file that is changed is read again. */
export function consoleFiles(directory: string): Fallback {
  const root = path.resolve(directory);
  const cache = new Map<string, { mtime: number; file: File }>();
  const read = (name: string): File | undefined => {
    const full = path.join(root, name);
    if (!full.startsWith(root + path.sep)) return undefined;
    const stat = statSync(full, { throwIfNoEntry: false });
    if (!stat?.isFile()) return undefined;
    const known = cache.get(name);
    if (known?.mtime === stat.mtimeMs) return known.file;
    const file = load(name, full);
    cache.set(name, { mtime: stat.mtimeMs, file });
    return file;
  };
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") return undefined;
    const { pathname } = new URL(request.url);
    const name = decode(pathname)?.slice(1) ?? "";
    const file = read(name) ?? (isPage(name, request) ? read("index.html") : undefined);
    return file && respond(file, request);
  };
}

/** A page's last part may hold dots, as a service's host does; what no browser opens as a page is then a missing file. */
function isPage(name: string, request: Request): boolean {
  const accept = request.headers.get("accept") ?? "*/*";
  return accept.includes("text/html") || (path.extname(name) === "" && accept.includes("*/*"));
}

function load(name: string, full: string): File {
  const plain = new Uint8Array(readFileSync(full));
  const type = TYPES[path.extname(name)] ?? "application/octet-stream";
  const compresses = /text|javascript|json|svg/.test(type) && plain.byteLength >= LEAST_GZIP;
  return {
    type,
    etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`,
    plain,
    gzip: compresses ? new Uint8Array(gzipSync(plain)) : undefined,
    // Vite puts the content's hash into the names of what it bundles.
    immutable: name.startsWith("assets/"),
  };
}

function respond(file: File, request: Request): Response {
  const zipped =
    file.gzip && /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "")
      ? file.gzip
      : undefined;
  const headers: Record<string, string> = {
    "content-type": file.type,
    etag: file.etag,
    vary: "accept-encoding",
    "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
  };
  const known = request.headers.get("if-none-match");
  if (known?.split(",").some((tag) => tag.trim().replace(/^W\//, "") === file.etag))
    return new Response(null, { status: 304, headers });
  if (zipped) headers["content-encoding"] = "gzip";
  const body = zipped ?? file.plain;
  headers["content-length"] = String(body.byteLength);
  return new Response(request.method === "HEAD" ? null : body, { headers });
}

function decode(pathname: string): string | undefined {
  try {
    const decoded = decodeURIComponent(pathname);
    return decoded.includes("\0") ? undefined : decoded;
  } catch {
    return undefined;
  }
}
