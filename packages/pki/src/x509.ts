/** `@peculiar/x509`, after the polyfill that its dependency injection asks for at import. */
import "reflect-metadata";
export * from "@peculiar/x509";
