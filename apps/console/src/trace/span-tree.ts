/** A trace's spans as a tree, each with the time that is its own on the critical path. */
import type { Span } from "@heddle/client";

export interface SpanNode {
  span: Span;
  depth: number;
  children: SpanNode[];
  /** Parts of the trace's critical path that are spent in this span itself, in nanoseconds since the trace's start. */
  critical: Interval[];
  /** Nanoseconds of the critical path that are its own. */
  selfNs: number;
}

interface Interval {
  from: number;
  to: number;
}

/** The roots, each with its spans by start. A span whose parent is missing is a root, and a cycle is cut. */
export function spanTree(spans: readonly Span[]): SpanNode[] {
  const nodes = new Map<string, SpanNode>();
  for (const span of spans)
    nodes.set(span.spanId, { span, depth: 0, children: [], critical: [], selfNs: 0 });
  const roots: SpanNode[] = [];
  for (const node of nodes.values()) {
    const parent = node.span.parentSpanId === null ? undefined : nodes.get(node.span.parentSpanId);
    if (parent && !descendsFrom(parent, node, nodes)) parent.children.push(node);
    else roots.push(node);
  }
  for (const node of nodes.values()) node.children.sort(byStart);
  roots.sort(byStart);
  for (const root of roots) setDepth(root, 0);
  const longest = roots.toSorted((one, other) => endOf(other.span) - endOf(one.span))[0];
  if (longest) markCritical(longest, longest.span.offsetNs, endOf(longest.span));
  return roots;
}

/** The tree in the order of a waterfall, without what lies below a folded span. */
export function visibleSpans(roots: readonly SpanNode[], folded: ReadonlySet<string>): SpanNode[] {
  const found: SpanNode[] = [];
  const visit = (node: SpanNode): void => {
    found.push(node);
    if (!folded.has(node.span.spanId)) node.children.forEach(visit);
  };
  roots.forEach(visit);
  return found;
}

/** Whether a span failed: by its status, or by an HTTP status of 5xx. */
export function failed({ status, attributes }: Pick<Span, "status" | "attributes">): boolean {
  if (status === "error") return true;
  const code = Number(
    attributes["http.response.status_code"] ?? attributes["http.status_code"] ?? 0,
  );
  return code >= 500;
}

/**
 * Walks back from a span's end: at each moment the child that finishes last before it holds the span up; what no child covers is the span's own.
 */
function markCritical(node: SpanNode, from: number, to: number): void {
  let cursor = Math.min(to, endOf(node.span));
  const start = Math.max(from, node.span.offsetNs);
  const waiting = node.children.toSorted((one, other) => endOf(other.span) - endOf(one.span));
  for (const child of waiting) {
    if (cursor <= start) break;
    const end = Math.min(endOf(child.span), cursor);
    const begin = Math.max(child.span.offsetNs, start);
    // A child that began only after the cursor ran beside one that was slower.
    if (end <= begin || child.span.offsetNs >= cursor) continue;
    if (end < cursor) own(node, end, cursor);
    markCritical(child, begin, end);
    cursor = begin;
  }
  if (cursor > start) own(node, start, cursor);
}

function own(node: SpanNode, from: number, to: number): void {
  node.critical.unshift({ from, to });
  node.selfNs += to - from;
}

function endOf({ offsetNs, durationNs }: Span): number {
  return offsetNs + durationNs;
}

function byStart(one: SpanNode, other: SpanNode): number {
  return one.span.offsetNs - other.span.offsetNs || (one.span.spanId < other.span.spanId ? -1 : 1);
}

function setDepth(node: SpanNode, depth: number): void {
  node.depth = depth;
  for (const child of node.children) setDepth(child, depth + 1);
}

function descendsFrom(
  node: SpanNode,
  ancestor: SpanNode,
  nodes: ReadonlyMap<string, SpanNode>,
): boolean {
  const seen = new Set<string>();
  for (
    let at: SpanNode | undefined = node;
    at;
    at = at.span.parentSpanId === null ? undefined : nodes.get(at.span.parentSpanId)
  ) {
    if (at === ancestor) return true;
    if (seen.has(at.span.spanId)) return false;
    seen.add(at.span.spanId);
  }
  return false;
}
