/** The hosted plane. Entry points: `@heddle/api/node` and `@heddle/api/worker`. */
export { createApp, type App, type AppOptions } from "./app.ts";
export type * from "./deps.ts";
