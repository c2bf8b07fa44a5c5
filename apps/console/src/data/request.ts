/** One request to the plane: bearer token, JSON both ways, problem documents as errors. */
import type { Problem } from "@heddle/client";
import { dropToken, storedToken } from "../session/token.ts";
import { PlaneError, PlaneUnreachable } from "./plane-error.ts";

export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** Asks the plane and returns the parsed answer. A refused token signs out, with the plane's reason. */
export async function request<T>(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  options: {
    query?: Parameters;
    body?: unknown;
    signal?: AbortSignal | undefined;
    token?: string;
  } = {},
): Promise<T> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** As `request`, but hands out the response itself; for streams. */
export async function send(
  method: string,
  path: string,
  options: {
    query?: Parameters;
    body?: unknown;
    signal?: AbortSignal | undefined;
    accept?: string;
    /** Another token than the stored one, to try it. */
    token?: string;
  } = {},
): Promise<Response> {
  const headers: Record<string, string> = { accept: options.accept ?? "application/json" };
  const token = options.token ?? storedToken();
  if (token) headers["authorization"] = `Bearer ${token}`;
  const init: RequestInit = { method, headers, signal: options.signal ?? null };
  if (options.body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(address(path, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new PlaneUnreachable("no answer", { cause: error });
  }
  // A proxy in between answers for a plane that is down.
  if ([502, 503, 504].includes(response.status) && !isProblem(response))
    throw new PlaneUnreachable("no answer");
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (response.status === 401 && options.token === undefined)
    dropToken(problem.detail || problem.title);
  throw new PlaneError(problem);
}

function address(path: string, query: Parameters = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

function isProblem(response: Response): boolean {
  return (response.headers.get("content-type") ?? "").includes("problem+json");
}

async function readProblem(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: "about:blank",
    title: response.statusText || `HTTP ${response.status}`,
    status: response.status,
    detail: "",
    code: "",
  };
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}
