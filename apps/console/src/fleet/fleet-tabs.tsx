/** Proxies, agents and the certificates that they have stand side by side. */
import { Link } from "@tanstack/react-router";

export function FleetTabs({ mesh }: { mesh: string }) {
  return (
    <nav className="tabs" aria-label="Fleet">
      <Link to="/m/$mesh/proxies" params={{ mesh }} activeProps={{ "aria-current": "page" }}>
        Proxies
      </Link>
      <Link to="/m/$mesh/agents" params={{ mesh }} activeProps={{ "aria-current": "page" }}>
        Agents
      </Link>
      <Link to="/m/$mesh/security" params={{ mesh }} activeProps={{ "aria-current": "page" }}>
        Certificates
      </Link>
    </nav>
  );
}
