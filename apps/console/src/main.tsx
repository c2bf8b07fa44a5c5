/** Starts the console: takes the token out of the address, then renders the router. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { shouldRetry } from "./data/queries.ts";
import { createConsoleRouter } from "./route/router.tsx";
import { SignInGate } from "./session/sign-in-gate.tsx";
import { adoptTokenFromAddress } from "./session/token.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/table.css";

adoptTokenFromAddress();

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: shouldRetry,
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 4000),
      staleTime: 2_000,
      // A plane on one's own machine is reachable without a network.
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});
const router = createConsoleRouter(queries);

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <SignInGate>
          <RouterProvider router={router} />
        </SignInGate>
      </QueryClientProvider>
    </StrictMode>,
  );
}
