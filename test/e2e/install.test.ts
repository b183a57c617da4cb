/** `install` and `uninstall` of the executable, on a copy of this machine's file system that is gone afterwards. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { edgeLbArgv, runEdgeLb } from "../../scripts/lab/edge-lb.ts";

const isCompiled = edgeLbArgv().length === 1;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-install-"));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, "systemctl"), `#!/bin/sh\necho "systemctl $*" >> ${folder}/calls\n`, { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** /etc and /usr/local of its own, and a systemd that only notes what it is told. */
async function onCopy(script: string): Promise<string> {
  const setup = `set -e
    mount -t tmpfs tmpfs /mnt && mkdir /mnt/up /mnt/work
    mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work /etc
    mount -t tmpfs tmpfs /usr/local
    mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system
    mkdir -p /etc/systemd/system
    PATH=${folder}:$PATH`;
  const ran = await command(["unshare", "--mount", "sh", "-c", `${setup}\n${script}`], { timeoutMs: 60_000 });
  expect(ran).toMatchObject({ code: 0, err: "" });
  return ran.out;
}

describe("install", () => {
  test("says every step, and makes a service that uninstall takes back", async () => {
    if (!isCompiled)
      return expect(await runEdgeLb(["install", "--dry-run"])).toMatchObject({
        code: 1,
        err: expect.stringContaining("from its sources"),
      });
    const [program = ""] = edgeLbArgv();
    const out = await onCopy(`
      list() { find /etc /usr/local -type f ! -name '*-' | sort; cat /etc/passwd; }
      before=$(list)
      ${program} install --dry-run
      test ! -e /etc/edge-lb.yaml
      echo ---
      ${program} install
      echo ---
      stat -c '%n %a %U:%G' /usr/local/bin/edge-lb /etc/edge-lb.yaml /etc/systemd/system/edge-lb.service
      id -un edge-lb
      systemd-analyze verify /etc/systemd/system/edge-lb.service
      edge-lb check -c /etc/edge-lb.yaml | tail -1
      echo ---
      echo '# mine' >> /etc/edge-lb.yaml
      edge-lb uninstall
      test "$(tail -1 /etc/edge-lb.yaml)" = '# mine'
      rm /etc/edge-lb.yaml
      test "$before" = "$(list)"
      test ! -e /usr/local/share/edge-lb
    `);
    const [dry = "", done = "", state = "", undone = ""] = out.split("---\n");
    for (const line of [
      "create the system user edge-lb",
      `copy ${program} to /usr/local/bin/edge-lb`,
      "run systemctl enable --now edge-lb.service",
    ]) {
      expect(dry).toContain(`would ${line}\n`);
      expect(done).toContain(`${line}\n`);
    }
    expect(state).toBe(
      "/usr/local/bin/edge-lb 755 root:root\n/etc/edge-lb.yaml 640 root:edge-lb\n/etc/systemd/system/edge-lb.service 644 root:root\n" +
        "edge-lb\nno mistake found: 3 clusters\n",
    );
    expect(undone).toContain("keep /etc/edge-lb.yaml, which was edited\n");
    expect(undone).toEndWith("remove /usr/local/share/edge-lb/install.json\n");
    expect(readFileSync(join(folder, "calls"), "utf8")).toBe(
      "systemctl daemon-reload\nsystemctl enable --now edge-lb.service\nsystemctl disable --now edge-lb.service\nsystemctl daemon-reload\n",
    );
    expect(existsSync("/etc/systemd/system/edge-lb.service")).toBe(false);
  }, 60_000);
});
