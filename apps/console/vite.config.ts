/** How the console is built: static files for the root of a plane, and a development server that passes `/v1` on to one. */
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const plane = process.env["HEDDLE_PLANE"] ?? "http://127.0.0.1:8700";

export default defineConfig({
  base: "/",
  plugins: [react()],
  build: {
    outDir: "dist",
    target: "es2023",
    // The graph's layout engine is one 1.6 MB file that only its worker loads.
    chunkSizeWarningLimit: 1700,
  },
  server: { port: 8701, proxy: { "/v1": { target: plane, changeOrigin: true } } },
});
