/** The operator's file while edge-lb runs: emptied, half written, without a cluster that was removed. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { controlAt, type Control } from "../../scripts/lab/control.ts";
import { edgeLbArgv, startEdgeLb, type EdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { until } from "../../scripts/lab/small-lab.ts";

let folder: string;
let file: string;
let text: string;
let edge: EdgeLb;
let control: Control;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-files-"));
  file = join(folder, "lab.yaml");
  const [api, https, http] = await freePorts(3);
  text = [
    `listen: { api: "127.0.0.1:${api}", https: "127.0.0.1:${https}", http: "127.0.0.1:${http}" }`,
    "interval: 60s",
    "clusters:",
    "  hub: { nodes: 127.62.0.1 }",
    "  two: { nodes: 127.62.0.2 }",
    "",
  ].join("\n");
  writeFileSync(file, text);
  edge = await startEdgeLb(["-c", file, "--control", join(folder, "s")]);
  control = controlAt(join(folder, "s"));
});
afterEach(async () => {
  await edge.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function served(): Promise<string> {
  return (await control.status()).clusters.map(({ name, layer }) => `${name} ${layer}`).join(", ");
}

describe("an emptied file (13 B2)", () => {
  test("changes nothing by itself, on SIGHUP or by reload, until --allow-empty says so", async () => {
    await control.run("add", "lab7=127.62.0.7");
    writeFileSync(file, "");
    await edge.logged(/reload \(file changed\) changed nothing: .*0 clusters found, 2 before/);
    edge.signal("SIGHUP");
    await edge.logged(/reload \(SIGHUP\) changed nothing: .*0 clusters found, 2 before/);
    const refused = await control.run("reload");
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("edge-lb reload --allow-empty takes it as it is");
    expect(await control.run("add", "lab8=127.62.0.8")).toMatchObject({ code: 0, out: "cluster lab8 added\n" });
    expect(await served()).toBe("hub file, two file, lab7 runtime, lab8 runtime");
    expect((await control.run("add", "lab9=127.62.0.9", "--save")).code).toBe(2);
    expect(readFileSync(file, "utf8")).toBe("");

    writeFileSync(file, text.replace(/clusters:[^]*/, ""));
    expect((await control.run("reload")).code).toBe(1);
    const allowed = await control.run("reload", "--allow-empty");
    expect(allowed.code).toBe(0);
    expect(allowed.out).toContain("cluster hub removed\ncluster two removed\n");
    expect(await served()).toBe("lab7 runtime, lab8 runtime");
    writeFileSync(file, text);
    await control.run("reload");
    expect(await served()).toBe("hub file, two file, lab7 runtime, lab8 runtime");
  });
});

describe("drain of a pool's last node (13 C5)", () => {
  test("says so, and warns in the log", async () => {
    const { code, out } = await control.run("drain", "hub/127.62.0.1");
    expect([code, out]).toEqual([
      0,
      expect.stringContaining("warning: it was the last, no node takes clients of api,"),
    ]);
    await edge.logged(/warn: hub: no node takes clients of api, https, http now, 127\.62\.0\.1 was the last/);
  });
});

describe("--save that fails (13 B3)", () => {
  test("says that the cluster is served, but not written, and leaves nothing behind", async () => {
    await edge.stop();
    // a container gets a single file as a mount of its own, which nobody can replace
    const mounted = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0"; exec "$@"', file, ...edgeLbArgv()];
    edge = await startEdgeLb(["-c", file, "--control", join(folder, "s")], { argv: mounted });
    const { code, err } = await control.run("add", "lab7=127.62.0.7", "--save");
    expect(code).toBe(1);
    expect(err).toMatch(/Cannot save to .*lab\.yaml: .*mounted.*; the change of lab7 is served all the same/);
    expect(await served()).toBe("hub file, two file, lab7 runtime");
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(readdirSync(folder).filter((name) => name.includes("yaml"))).toEqual(["lab.yaml"]);
  });
});

describe("rm of a file's cluster (13 B4)", () => {
  const back = (): string => `${file}:5:3 still has it: edge-lb add two brings it back\n`;

  test.each([
    ["add", ["add", "two"]],
    ["rm --undo", ["rm", "two", "--undo"]],
  ])("is seen in status and reload, and %s brings it back", async (_, undo) => {
    expect((await control.run("rm", "two")).out).toBe(`cluster two removed\n${back()}`);
    expect((await control.run("status")).out).toContain(`two: removed while running, ${back()}`);
    expect((await control.status()).removed).toEqual([{ name: "two", layer: "file", from: `${file}:5:3` }]);
    expect(await control.run("reload")).toMatchObject({
      code: 0,
      out: `nothing changed\ncluster two (${file}:5:3) stays removed: edge-lb add two brings it back\n`,
    });
    expect(await served()).toBe("hub file");
    expect(await control.run(...undo)).toMatchObject({ code: 0, out: "cluster two added\n" });
    expect(await served()).toBe("hub file, two file");
    expect((await control.status()).removed).toEqual([]);
  });

  test("of one that only add ever knew: there is nothing to bring back", async () => {
    const { code, err } = await control.run("add", "lab7");
    expect(code).toBe(1);
    expect(err).toContain('Cannot bring cluster "lab7" back: neither file nor flags have it (NOT_FOUND)');
  });

  test("--save takes the last one from the file, too", async () => {
    await control.run("rm", "two", "--save");
    const { code, out } = await control.run("rm", "hub", "--save");
    expect([code, out]).toEqual([0, `cluster hub removed\nsaved to ${file}\n`]);
    expect((await control.run("reload")).out).toBe("nothing changed\n");
    expect((await control.status()).removed).toEqual([]);
  });
});

describe("a file that the kernel does not watch (13 A6)", () => {
  test("is no reason not to start: it is looked at, and the log says so", async () => {
    await edge.stop();
    const without = 'echo 0 > /proc/sys/user/max_inotify_instances; exec "$@"';
    const argv = ["unshare", "--user", "--map-root-user", "sh", "-c", without, "sh", ...edgeLbArgv()];
    edge = await startEdgeLb(["-c", file, "--control", join(folder, "u")], { argv });
    control = controlAt(join(folder, "u"));
    await edge.logged(
      /warn: no word from the kernel when the file changes: .*max_user_instances, EMFILE.*SIGHUP reloads/,
    );
    writeFileSync(file, `${text}  three: { nodes: 127.62.0.3 }\n`);
    await edge.logged(/reload \(file changed\): cluster three added/);
    expect(await served()).toBe("hub file, two file, three file");
  });
});

describe.if(process.getuid?.() === 0)("a file that is a mount of its own, as containers have it (13 A6)", () => {
  test("is seen to change when it is written outside", async () => {
    await edge.stop();
    const source = join(folder, "source.yaml");
    writeFileSync(source, text);
    const mounted = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$1"; shift; exec "$@"', source, file];
    const path = join(folder, "m");
    edge = await startEdgeLb(["-c", file, "--control", path], { argv: [...mounted, ...edgeLbArgv()] });
    control = controlAt(path);
    writeFileSync(source, `${text}  three: { nodes: 127.62.0.3 }\n`);
    await edge.logged(/reload \(file changed\): cluster three added/);
  });
});

/** Edge-lb of a user without rights, as the operator leaves it: no --control. */
async function withNobodys(
  env: Record<string, string>,
  use: (said: () => string, argv: readonly string[]) => Promise<void>,
): Promise<void> {
  await edge.stop();
  const [program = "", ...before] = edgeLbArgv();
  const copy = join(folder, "edge-lb");
  if (before.length === 0) copyFileSync(program, copy);
  chmodSync(folder, 0o711);
  const user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
  const argv = [...user, before.length === 0 ? copy : program, ...before];
  const child = Bun.spawn([...argv, "-c", file, "--admin", "off"], { stdio: ["ignore", "pipe", "pipe"], env });
  let text = "";
  const { value: ready } = await child.stdout.getReader().read(); // from here on it serves and hears signals
  const read = (async () => {
    for await (const chunk of child.stderr) text += new TextDecoder().decode(chunk);
  })();
  try {
    expect(new TextDecoder().decode(ready)).toStartWith("edge-lb ready");
    await use(() => text, argv);
  } finally {
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    await read;
  }
}

describe.if(process.getuid?.() === 0)("a user that may read little (13 A6, A7, B6)", () => {
  const { XDG_RUNTIME_DIR: _, ...bare } = process.env as Record<string, string>;

  test("runs with a file in a folder of mode 0711 and with another user's XDG_RUNTIME_DIR, and is told of both", async () => {
    mkdirSync(join(folder, "closed"), { mode: 0o700 });
    await withNobodys({ ...bare, XDG_RUNTIME_DIR: join(folder, "closed") }, async (said) => {
      await until("the word on the socket", () => /warn: no control socket: .*permission denied/.test(said()));
      await until("the word on the folder", () =>
        /warn: no word from the kernel .*may not be read \(EACCES\)/.test(said()),
      );
      writeFileSync(file, `${readFileSync(file, "utf8")}  three: { nodes: 127.62.0.3 }\n`);
      await until("the reload", () => said().includes("reload (file changed): cluster three added"));
    });
  });

  test("has its control socket in systemd's $RUNTIME_DIRECTORY, where commands look for it", async () => {
    const runtime = join(folder, "runtime");
    mkdirSync(runtime);
    chownSync(runtime, 65_534, 65_534);
    const env = { ...bare, RUNTIME_DIRECTORY: runtime };
    await withNobodys(env, async (said, argv) => {
      await until("the socket", () => existsSync(join(runtime, "control.sock")));
      const status = Bun.spawn([...argv, "status"], { stdio: ["ignore", "pipe", "pipe"], env });
      expect(await new Response(status.stdout).text()).toContain("127.62.0.");
      expect(said()).not.toContain("no control socket");
    });
  });

  test("is told at start when there is no place for a control socket", async () => {
    await withNobodys(bare, (said) =>
      until("the word on it", () => /warn: no control socket: .*RUNTIME_DIRECTORY.*--control PATH/.test(said())),
    );
  });
});

describe("a pipe (13 A5)", () => {
  test("to log to, without a reader, holds up neither start nor SIGHUP: lines are lost, and counted", async () => {
    await edge.stop();
    const pipe = join(folder, "log");
    await command(["mkfifo", pipe]);
    edge = await startEdgeLb(["-c", file, "--control", join(folder, "p"), "--log-to", pipe]);
    control = controlAt(join(folder, "p"));
    edge.signal("SIGHUP");
    await until("lost lines", async () => (await control.status()).connections.logLinesLost > 0);
    await until("the reload", async () => (await control.status()).reload.done === 1);
  });

  test("to read from is read once: a reload changes nothing and says so", async () => {
    await edge.stop();
    const pipe = join(folder, "in");
    await command(["mkfifo", pipe]);
    const writing = command(["sh", "-c", 'cat "$0" > "$1"', file, pipe]);
    edge = await startEdgeLb(["-c", pipe, "--control", join(folder, "r")]);
    await writing;
    control = controlAt(join(folder, "r"));
    edge.signal("SIGHUP");
    await edge.logged(/reload \(SIGHUP\) changed nothing: .*it is a pipe, which can be read only once/);
    expect(await served()).toBe("hub file, two file");
  });
});
