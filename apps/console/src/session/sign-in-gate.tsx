/** Shows the console to whom has a token, and the sign-in, in the same place and address, to whom has not. */
import { useQueryClient } from "@tanstack/react-query";
import {
  type FormEvent,
  type ReactNode,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { HeddleApiError } from "@heddle/client";
import { describeFailure } from "../data/plane-error.ts";
import { checkToken } from "../data/plane.ts";
import { Command } from "../ui/copy-button.tsx";
import { Icon } from "../ui/icon.tsx";
import { StatusShape } from "../ui/status.tsx";
import { dropToken, onTokenChange, refusalReason, storeToken, storedToken } from "./token.ts";
import "./sign-in.css";

export function SignInGate({ children }: { children: ReactNode }) {
  const token = useSyncExternalStore(onTokenChange, storedToken);
  const queries = useQueryClient();
  const before = useRef(token);
  useEffect(() => {
    // Nothing of one token's answers may be seen with another's.
    if (before.current !== token) queries.clear();
    before.current = token;
  }, [token, queries]);
  return token === undefined ? <SignIn /> : children;
}

function SignIn() {
  const [token, setToken] = useState("");
  const [keep, setKeep] = useState(true);
  const [asking, setAsking] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const reason = useSyncExternalStore(onTokenChange, refusalReason);
  useEffect(() => {
    document.title = "Sign in · Heddle";
  }, []);

  async function signIn(event: FormEvent) {
    event.preventDefault();
    setAsking(true);
    setFailure(undefined);
    try {
      await checkToken(token.trim());
      storeToken(token.trim(), keep);
    } catch (error) {
      dropToken();
      setFailure(error);
      setAsking(false);
    }
  }

  const said =
    failure !== undefined
      ? explain(failure)
      : reason
        ? { title: "You were signed out", detail: reason }
        : undefined;
  return (
    <main className="sign-in">
      <form className="sign-in__card" onSubmit={(event) => void signIn(event)}>
        <div className="top__brand">
          <Icon name="brand" />
          <span>Heddle</span>
        </div>
        <h1>Sign in</h1>
        {said ? (
          <div className="notice notice--bad" role="alert">
            <StatusShape health="bad" />
            <div className="notice__text">
              <b>{said.title}</b>
              <p>{said.detail}</p>
            </div>
          </div>
        ) : null}
        <label className="sign-in__field">
          <span>Token</span>
          <input
            className="input mono"
            type="password"
            name="token"
            autoComplete="current-password"
            spellCheck={false}
            autoFocus
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        <label className="sign-in__keep">
          <input
            type="checkbox"
            checked={keep}
            onChange={(event) => setKeep(event.target.checked)}
          />
          <span>Stay signed in on this browser</span>
        </label>
        <button
          type="submit"
          className="button button--main"
          disabled={asking || token.trim() === ""}
        >
          {asking ? "Signing in…" : "Sign in"}
        </button>
        <div className="sign-in__help muted">
          <p>On your own machine, this prints a link that signs you in:</p>
          <Command text="heddle up --demo" />
        </div>
      </form>
    </main>
  );
}

function explain(error: unknown): { title: string; detail: string } {
  if (error instanceof HeddleApiError && error.status === 401) {
    return {
      title: "The plane does not take this token",
      detail: `${error.problem.detail || "It is unknown, expired or revoked."} Ask an owner of the mesh for a new one.`,
    };
  }
  const { title, detail, remedy } = describeFailure(error);
  return { title, detail: `${detail} ${remedy}` };
}
