/** A page whose own code failed. */
import type { ErrorComponentProps } from "@tanstack/react-router";
import { Page } from "./page.tsx";
import { Broken } from "./states.tsx";

export function PageBroken({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="This page failed">
      <Broken error={error} retry={reset} />
    </Page>
  );
}
