/** Root folders for images: programs of this machine with the libraries that they load, and what every program expects. */
import { execFile } from "node:child_process";
import {
  access,
  chmod,
  constants,
  copyFile,
  cp,
  link,
  mkdir,
  realpath,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A system's least: whom numbers of users mean, in which order names are looked up, and a place for temporary files. */
export async function writeBase(root: string): Promise<void> {
  const users = [
    "root:x:0:0::/root:/sbin/nologin",
    "envoy:x:101:101::/:/sbin/nologin",
    "nobody:x:65534:65534::/:/sbin/nologin",
  ];
  const groups = ["root:x:0:", "envoy:x:101:", "nogroup:x:65534:"];
  await mkdir(path.join(root, "etc"), { recursive: true });
  await writeFile(path.join(root, "etc/passwd"), `${users.join("\n")}\n`);
  await writeFile(path.join(root, "etc/group"), `${groups.join("\n")}\n`);
  await writeFile(path.join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
  await mkdir(path.join(root, "root"), { recursive: true, mode: 0o700 });
  await mkdir(path.join(root, "tmp"), { recursive: true });
  await chmod(path.join(root, "tmp"), 0o1777);
}

/** Puts a program at `target`, a path inside the root, and its shared libraries where its loader looks for them. */
export async function addProgram(root: string, binary: string, target: string): Promise<void> {
  await place(root, binary, target);
  for (const library of await librariesOf(binary)) await place(root, library, library);
}

/** An empty folder at `target`, a path inside the root. */
export async function addEmptyFolder(root: string, target: string): Promise<void> {
  await mkdir(path.join(root, target), { recursive: true });
}

/** Where the machine has a program of this name; PATH need not hold all of root's. */
export async function foundProgram(name: string): Promise<string> {
  const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders)
    try {
      await access(path.join(folder, name), constants.X_OK);
      return path.join(folder, name);
    } catch {
      // In the next, perhaps.
    }
  throw new Error(`there is no ${name} on this machine`);
}

/** Puts a folder's content at `target`, a path inside the root. */
export async function addFolder(root: string, folder: string, target: string): Promise<void> {
  await cp(folder, path.join(root, target), { recursive: true });
}

/** By a hard link where both lie on one file system: programs are large, and an image's root is only read. */
async function place(root: string, from: string, target: string): Promise<void> {
  const [source, file] = [await realpath(from), path.join(root, target)];
  await mkdir(path.dirname(file), { recursive: true });
  await link(source, file).catch((error: NodeJS.ErrnoException) => {
    // Another program loads it too. What is there may be the machine's own file under a second name: it is not written to.
    if (error.code !== "EEXIST") return copyFile(source, file);
  });
}

/** None of a static program. */
async function librariesOf(binary: string): Promise<string[]> {
  const { stdout } = await run("ldd", [binary]).catch(
    (error: { stderr?: string; stdout?: string }) => {
      if (/not a dynamic executable/.test(`${error.stderr}${error.stdout}`)) return { stdout: "" };
      throw error;
    },
  );
  // "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)", and the loader by its path alone.
  return stdout.split("\n").flatMap((line) => /(?:^|=>)\s*(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}
