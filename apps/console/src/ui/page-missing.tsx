/** An address that leads nowhere. */
import { Link } from "@tanstack/react-router";
import { Page } from "./page.tsx";
import { Empty } from "./states.tsx";

export function PageMissing() {
  return (
    <Page title="Nothing here">
      <Empty
        title="There is no page at this address"
        actions={
          <Link to="/" className="button">
            Go to the overview
          </Link>
        }
      >
        It may be mistyped, or the link is from another version.
      </Empty>
    </Page>
  );
}
