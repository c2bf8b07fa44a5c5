export { DirectoryInUse, type Holder, lockDirectory } from "./lock-directory.ts";
