/** Answers in place of failed ones; idle until a route says which. */
import type { Lua, LuaPerRoute } from "@heddle/envoy/extensions/filters/http/lua/v3";
import type { FallbackResponse } from "@heddle/model";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { extension, typedConfig, type TypedConfig } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { offUntilRouted } from "./off-until-routed.ts";
import { FALLBACK_RESPONSE_FILTER } from "./names.ts";

const FILTER: HttpFilter = extension<Lua>(
  FALLBACK_RESPONSE_FILTER,
  "envoy.extensions.filters.http.lua.v3.Lua",
  {},
);

export const fallbackResponseFilter: HttpFeature = {
  name: "fallback response",
  filters: offUntilRouted(FILTER),
};

/** For one route: what is answered in place of these statuses, whoever gave them. */
export function fallbackResponse(
  statuses: readonly number[],
  { status, body = "", headers = {} }: FallbackResponse,
): TypedConfig {
  const set = [[":status", String(status)], ...Object.entries(headers).toSorted(byName)];
  const script = [
    "function envoy_on_response(handle)",
    "  local headers = handle:headers()",
    '  local status = headers:get(":status")',
    `  if ${statuses.map((each) => `status == "${each}"`).join(" or ")} then`,
    // The body is another one: what describes the old one goes.
    ...["content-encoding", "content-type"].map((name) => `    headers:remove("${name}")`),
    ...set.map(
      ([name = "", value = ""]) => `    headers:replace(${luaText(name)}, ${luaText(value)})`,
    ),
    `    headers:replace("content-length", handle:body(true):setBytes(${luaText(body)}))`,
    "  end",
    "end",
  ].join("\n");
  return typedConfig<LuaPerRoute>("envoy.extensions.filters.http.lua.v3.LuaPerRoute", {
    sourceCode: { inlineString: script },
  });
}

/** A Lua string of any text: what is not plain is written as the numbers of its bytes. */
export function luaText(text: string): string {
  const bytes = [...new TextEncoder().encode(text)].map((byte) => {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    return plain ? String.fromCodePoint(byte) : `\\${String(byte).padStart(3, "0")}`;
  });
  return `"${bytes.join("")}"`;
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
