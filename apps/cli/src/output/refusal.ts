/** A refused resource as people read it: who refuses what, why, and which object is to blame. */
import type { RefusalInfo } from "@heddle/client";
import { dim, red } from "./print.ts";

export function refusalText(
  proxy: string,
  type: string,
  { resource, reason, objects, held }: RefusalInfo,
): string {
  const lines = [`${red("REFUSED")} ${proxy} ${type} ${resource}: ${reason}`];
  if (objects.length > 0) {
    const names = objects.map(objectName).join(", ");
    lines.push(
      held ? `  made from ${names}, which is held at what it was before` : `  made from ${names}`,
    );
    lines.push(dim(`  → correct it and apply it again`));
  }
  return lines.join("\n");
}

/** `VirtualService default/reviews`. */
function objectName(key: string): string {
  const [, kind = key, namespace = "-", name = ""] = key.split("/");
  return namespace === "-" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
