/** The shape of a page while its code is on the way. */
import { Page } from "./page.tsx";
import { Skeleton } from "./states.tsx";

export function PagePending() {
  return (
    <Page title="">
      <div className="card">
        <Skeleton lines={8} />
      </div>
    </Page>
  );
}
