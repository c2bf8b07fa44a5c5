/** Where the bearer token lives: taken from the link that `heddle up` prints, kept in the browser, dropped when it is refused. */

const KEY = "heddle.token";

type Listener = () => void;
const listeners = new Set<Listener>();
let refusal: string | undefined;

/** The token, from this tab or from an earlier visit. */
export function storedToken(): string | undefined {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined;
}

/** Keeps the token: for this tab only, or until it is signed out. */
export function storeToken(token: string, keep: boolean): void {
  forget();
  (keep ? localStorage : sessionStorage).setItem(KEY, token);
  refusal = undefined;
  announce();
}

/** Signs out. The reason is shown at the sign-in; without one it was the person's own wish. */
export function dropToken(reason?: string): void {
  forget();
  refusal = reason;
  announce();
}

/** Why the last token was dropped. */
export function refusalReason(): string | undefined {
  return refusal;
}

/** Calls back at every sign-in and sign-out, also those of other tabs. */
export function onTokenChange(listener: Listener): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

/** Takes `#token=…` out of the address, so that it stays neither in the bar nor in the history. */
export function adoptTokenFromAddress(): void {
  const given = tokenInHash(location.hash);
  if (given === undefined) return;
  storeToken(given, true);
  history.replaceState(history.state, "", location.pathname + location.search);
}

/** The token in a fragment such as `#token=abc`; undefined where there is none. */
export function tokenInHash(hash: string): string | undefined {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token")?.trim() || undefined;
}

function forget(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}

function announce(): void {
  for (const listener of listeners) listener();
}
