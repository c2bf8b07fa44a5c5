/** The pages of one mesh, as rail, palette and keyboard know them. */
import type { IconName } from "../ui/icon.tsx";

export interface Destination {
  to:
    | "/m/$mesh/graph"
    | "/m/$mesh/services"
    | "/m/$mesh/traces"
    | "/m/$mesh/logs"
    | "/m/$mesh/config"
    | "/m/$mesh/revisions"
    | "/m/$mesh/proxies"
    | "/m/$mesh/agents"
    | "/m/$mesh/security";
  word: string;
  icon: IconName;
  /** Pressed after `g`. */
  key: string;
  /** What the page answers, for the palette. */
  about: string;
  /** Stands in the rail also on a phone. */
  narrow: boolean;
  rail: boolean;
}

export const destinations: readonly Destination[] = [
  {
    to: "/m/$mesh/graph",
    word: "Graph",
    icon: "graph",
    key: "g",
    about: "who talks to whom, and how well",
    narrow: true,
    rail: true,
  },
  {
    to: "/m/$mesh/services",
    word: "Services",
    icon: "services",
    key: "s",
    about: "golden signals, worst first",
    narrow: true,
    rail: true,
  },
  {
    to: "/m/$mesh/traces",
    word: "Traces",
    icon: "traces",
    key: "t",
    about: "requests on their way, span by span",
    narrow: true,
    rail: true,
  },
  {
    to: "/m/$mesh/logs",
    word: "Logs",
    icon: "logs",
    key: "l",
    about: "access logs as they arrive",
    narrow: false,
    rail: true,
  },
  {
    to: "/m/$mesh/config",
    word: "Config",
    icon: "config",
    key: "c",
    about: "routes, policies, gateways",
    narrow: true,
    rail: true,
  },
  {
    to: "/m/$mesh/revisions",
    word: "Revisions",
    icon: "revisions",
    key: "r",
    about: "what changed, diff and rollback",
    narrow: false,
    rail: true,
  },
  {
    to: "/m/$mesh/proxies",
    word: "Proxies",
    icon: "proxies",
    key: "p",
    about: "which Envoy holds what",
    narrow: false,
    rail: true,
  },
  {
    to: "/m/$mesh/agents",
    word: "Agents",
    icon: "proxies",
    key: "a",
    about: "the agents in the clusters",
    narrow: false,
    rail: false,
  },
  {
    to: "/m/$mesh/security",
    word: "Certificates",
    icon: "lock",
    key: "k",
    about: "roots, rotations, what is revoked, what ends when",
    narrow: false,
    rail: false,
  },
];
