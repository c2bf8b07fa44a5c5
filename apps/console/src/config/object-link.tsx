/** A link to an object's page. */
import type { StoredObject } from "@heddle/client";
import { Link } from "@tanstack/react-router";

export function ObjectLink({
  mesh,
  object: { kind, metadata },
}: {
  mesh: string;
  object: Pick<StoredObject, "kind" | "metadata">;
}) {
  return (
    <Link
      to="/m/$mesh/config/$kind/$ns/$name"
      params={{ mesh, kind, ns: metadata.namespace || "-", name: metadata.name }}
    >
      {metadata.name}
    </Link>
  );
}
