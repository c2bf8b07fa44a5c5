/** A real Chromium from an npm package, with the libraries that it needs beside it. */
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Browser, chromium as playwright } from "playwright-core";

/** The package unpacks into the folder for temporary files, so that it is given one that can be recognised and kept. */
export async function launchChromium(): Promise<Browser> {
  const home = path.join(tmpdir(), "heddle-chromium");
  await mkdir(home, { recursive: true });
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = home;
  try {
    const {
      default: chromium,
      inflate,
      setupLambdaEnvironment,
    } = await import("@sparticuz/chromium");
    const packageRoot = path.resolve(
      createRequire(import.meta.url).resolve("@sparticuz/chromium"),
      "../..",
    );
    await inflate(path.join(packageRoot, "bin/al2023.tar.br"));
    setupLambdaEnvironment(path.join(home, "al2023/lib"));
    // The package's own list of fonts names folders of another place.
    await writeFile(path.join(home, "fonts.conf"), fontsConf(home));
    process.env["FONTCONFIG_FILE"] = path.join(home, "fonts.conf");
    chromium.setGraphicsMode = false;
    const executablePath = await chromium.executablePath();
    return await playwright.launch({
      executablePath,
      headless: true,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--disable-quic",
      ],
    });
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}

function fontsConf(home: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>${path.join(home, "fonts")}</dir>
  <cachedir>${path.join(home, "fonts-cache")}</cachedir>
</fontconfig>
`;
}
