/** What the plane says of a draft while it is typed. */
import type { ApiDiagnostic } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ask } from "../data/plane.ts";

/** The plane is asked after this pause in the typing. */
const SETTLE_MS = 300;

export interface Analysis {
  /** Undefined until the first answer. */
  diagnostics: ApiDiagnostic[] | undefined;
  /** The text that they are about. */
  about: string;
  asking: boolean;
  error: unknown;
}

export function useAnalysis(
  mesh: string,
  text: string,
  file: string,
  namespace: string | undefined,
): Analysis {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, error, isFetching } = useQuery({
    queryKey: [mesh, "analysis", file, namespace ?? "", settled],
    queryFn: async ({ signal }) => ({
      about: settled,
      diagnostics: await ask((plane) =>
        plane.analyze(mesh, { files: [{ name: file, content: settled }], namespace }, signal),
      ),
    }),
    enabled: settled.trim() !== "",
    placeholderData: (previous) => previous,
    staleTime: 10_000,
    gcTime: 60_000,
  });
  return {
    diagnostics: data?.diagnostics,
    about: data?.about ?? "",
    asking: isFetching || settled !== text,
    error,
  };
}
