/** What the bundler makes of imports that are not TypeScript. */
declare module "*.css";

declare module "*?url" {
  /** Address of the file in the built site. */
  const url: string;
  export default url;
}
