/** Access: who this token is, the settings of the mesh, the tokens of the organisation, making and revoking one. */
import type { CreatedToken, NewToken, TokenInfo, TokenScope } from "@heddle/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { ask } from "../data/plane.ts";
import { tokensQuery, whoAmIQuery } from "../data/queries.ts";
import { agoText, clockText } from "../format/numbers.ts";
import { dropToken } from "../session/token.ts";
import { setTheme, type Theme, useTheme } from "../shell/theme.ts";
import { useCurrentMesh } from "../shell/use-current-mesh.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Broken, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import { MeshSettingsCard } from "./mesh-settings-card.tsx";

export function SettingsPage() {
  const me = useQuery(whoAmIQuery());
  const theme = useTheme();
  const mesh = useCurrentMesh();
  return (
    <Page
      title="Access"
      actions={
        <button type="button" className="button" onClick={() => dropToken()}>
          Sign out
        </button>
      }
    >
      <section className="card card__body" aria-label="This session">
        <Answer of={me}>
          {({ tenant, token, scopes, meshes }) => (
            <dl className="facts">
              <dt>Organisation</dt>
              <dd>{tenant.name}</dd>
              <dt>Token</dt>
              <dd>{token.name}</dd>
              <dt>May</dt>
              <dd>{scopes.join(", ")}</dd>
              <dt>Meshes</dt>
              <dd>{meshes ? meshes.join(", ") : "all"}</dd>
              <dt>Theme</dt>
              <dd>
                <span className="button-group" role="group" aria-label="Theme">
                  {(["auto", "light", "dark"] satisfies Theme[]).map((each) => (
                    <button
                      key={each}
                      type="button"
                      className="button"
                      aria-pressed={theme === each}
                      onClick={() => setTheme(each)}
                    >
                      {each === "auto" ? "as the system" : each}
                    </button>
                  ))}
                </span>
              </dd>
            </dl>
          )}
        </Answer>
      </section>
      {mesh === undefined ? null : (
        <MeshSettingsCard mesh={mesh} mayChange={me.data?.scopes.includes("admin") ?? false} />
      )}
      {me.data && !me.data.scopes.includes("admin") ? (
        <div className="card">
          <Empty title="Tokens are for admins">
            This token may not see the others. Ask an owner for one with the scope “admin”.
          </Empty>
        </div>
      ) : (
        <Tokens own={me.data?.token.id} />
      )}
    </Page>
  );
}

function Tokens({ own }: { own: string | undefined }) {
  const tokens = useQuery(tokensQuery());
  const queries = useQueryClient();
  const [made, setMade] = useState<CreatedToken>();
  const revoke = useMutation({
    mutationFn: (id: string) => ask((plane) => plane.revokeToken(id)),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tokens"] }),
  });
  const minute = Math.floor(useNow() / 60_000) * 60_000;
  const { mutate } = revoke;
  const columns = useMemo(() => tokenColumns(minute, own, mutate), [minute, own, mutate]);
  return (
    <section aria-label="Tokens" style={{ display: "grid", gap: 12 }}>
      <h2>Tokens</h2>
      <NewTokenForm onMade={setMade} />
      {made ? (
        <div className="notice" role="status">
          <div className="notice__text">
            <b>{made.name}</b> is made. Copy it now; it is not shown again.
            <p>
              <code style={{ overflowWrap: "anywhere" }}>{made.token}</code>{" "}
              <CopyButton text={made.token} label="Copy the token" />
            </p>
          </div>
        </div>
      ) : null}
      {revoke.error ? <Broken error={revoke.error} /> : null}
      <Answer
        of={tokens}
        loading={
          <div className="card">
            <Skeleton lines={4} />
          </div>
        }
      >
        {(all) => (
          <DataTable
            inner
            label="Tokens"
            columns={columns}
            rows={all}
            rowKey={(row) => row.id}
            defaultSort="-createdAt"
            empty={<Empty title="No token" />}
          />
        )}
      </Answer>
    </section>
  );
}

const lifetimes = [
  ["1 day", 86_400],
  ["30 days", 30 * 86_400],
  ["1 year", 365 * 86_400],
] as const;

function NewTokenForm({ onMade }: { onMade: (token: CreatedToken) => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<TokenScope>("read");
  const [seconds, setSeconds] = useState<number>(lifetimes[1][1]);
  const create = useMutation({
    mutationFn: (token: NewToken) => ask((plane) => plane.createToken(token)),
    onSuccess: async (token) => {
      setName("");
      onMade(token);
      await queries.invalidateQueries({ queryKey: ["tokens"] });
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    create.mutate({ name: name.trim(), scopes: [scope], expiresInSeconds: seconds });
  }
  return (
    <form className="toolbar" onSubmit={submit}>
      <input
        className="input"
        aria-label="Name of the new token"
        placeholder="what it is for"
        required
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <select
        className="input"
        aria-label="What it may"
        value={scope}
        onChange={(event) => setScope(event.target.value as TokenScope)}
      >
        <option value="read">may read</option>
        <option value="write">may write</option>
        <option value="admin">may do all</option>
      </select>
      <select
        className="input"
        aria-label="How long it lasts"
        value={seconds}
        onChange={(event) => setSeconds(Number(event.target.value))}
      >
        {lifetimes.map(([word, value]) => (
          <option key={value} value={value}>
            for {word}
          </option>
        ))}
      </select>
      <button type="submit" className="button" disabled={name.trim() === "" || create.isPending}>
        Make a token
      </button>
      {create.error ? <Broken error={create.error} /> : null}
    </form>
  );
}

function tokenColumns(
  now: number,
  own: string | undefined,
  revoke: (id: string) => void,
): Column<TokenInfo>[] {
  const state = (row: TokenInfo) =>
    row.revokedAt
      ? ({ health: "idle", word: "revoked" } as const)
      : row.expiresAt && Date.parse(row.expiresAt) < now
        ? ({ health: "idle", word: "expired" } as const)
        : ({ health: "ok", word: "valid" } as const);
  return [
    {
      id: "state",
      header: "State",
      width: "92px",
      narrow: "aside",
      value: (row) => state(row).word,
      cell: (row) => <Status health={state(row).health}>{state(row).word}</Status>,
    },
    {
      id: "name",
      header: "Name",
      width: "minmax(140px, 1fr)",
      narrow: "title",
      value: (row) => row.name,
      cell: (row) => (row.id === own ? `${row.name} (this one)` : row.name),
    },
    {
      id: "scopes",
      header: "May",
      width: "100px",
      narrow: "line",
      value: (row) => row.scopes.join(" "),
      cell: (row) => row.scopes.join(", "),
    },
    {
      id: "createdAt",
      header: "Made",
      width: "116px",
      value: (row) => row.createdAt,
      cell: (row) => <span className="muted num">{clockText(row.createdAt, now)}</span>,
    },
    {
      id: "expiresAt",
      header: "Until",
      width: "116px",
      narrow: "line",
      value: (row) => row.expiresAt,
      cell: (row) => (
        <span className="num">{row.expiresAt ? clockText(row.expiresAt, now) : "for ever"}</span>
      ),
    },
    {
      id: "lastUsedAt",
      header: "Last used",
      width: "96px",
      value: (row) => row.lastUsedAt,
      cell: (row) => (
        <span className="muted">{row.lastUsedAt ? agoText(row.lastUsedAt, now) : "never"}</span>
      ),
    },
    {
      id: "revoke",
      header: "",
      width: "80px",
      cell: (row) =>
        state(row).word === "valid" && row.id !== own ? (
          <button type="button" className="link" onClick={() => revoke(row.id)}>
            Revoke
          </button>
        ) : null,
    },
  ];
}
