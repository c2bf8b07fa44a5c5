import { expect, test } from "vitest";
import { urlScheme } from "./url.ts";

test.each([
  ["https://example.com/a?b#c", "https"],
  ["HTTP://example.com", "http"],
  ["http://[::1]:80/", "http"],
  ["http://user:pw@example.com:8080", "http"],
  ["oci://registry.example/a:b@sha256:00", "oci"],
  ["file:///opt/filter.wasm", "file"],
  ["docker.io:5000/x", "docker.io"],
  ["/a/path", ""],
  ["http://test", "http"],
])("%s has the scheme %s", (text, scheme) => {
  expect(urlScheme(text)).toBe(scheme);
});

test.each([
  "",
  "test",
  "example.com/a",
  "#%blah$#@",
  "http://#%blah$#@x y",
  "http://a b",
  "hTPp\\\blah",
  ":no",
  "http://exa{mple.com",
  "http://example.com:port",
  "http://example.com/%zz",
  "http://[::1",
])("%s is no URL", (text) => {
  expect(urlScheme(text)).toBeUndefined();
});
