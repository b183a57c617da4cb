/** accept(2) that fails, for real: a seccomp filter answers it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const LAUNCHER = join(import.meta.dir, "../support/refused-calls.ts");
const LISTENER = join(import.meta.dir, "../support/refused-listener.ts");
const { EPERM, ENETDOWN, ECONNABORTED, EPROTO, EIO } = { ...constants.errno, ENETDOWN: 100, EPROTO: 71 };
const ERRORS = { EPERM, ENETDOWN, ECONNABORTED, EPROTO, EIO };

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-refused-"));
  await Bun.build({ entrypoints: [LISTENER], target: "node", outdir: folder, external: ["bun:ffi"], splitting: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An engine of sockets that hide what accept(2) says is the same for all of them. */
const SOME = { EPERM, ECONNABORTED };
const HOSTS = [
  { host: "linux", errors: ERRORS, command: () => [process.execPath, LISTENER, "linux"] },
  { host: "bun", errors: SOME, command: () => [process.execPath, LISTENER, "bun"] },
  { host: "node in Bun", errors: SOME, command: () => [process.execPath, LISTENER, "node"] },
  { host: "node", errors: SOME, command: () => ["node", join(folder, "refused-listener.js"), "node"] },
];

describe.if(process.platform === "linux")("A7: accept(2) that fails", () => {
  const cases = HOSTS.flatMap((host) => Object.entries(host.errors).map(([code, errno]) => ({ ...host, code, errno })));
  test.concurrent.each(cases)(
    "on $host with $code is told, rests between attempts, and does not hold up the end",
    async ({ command, errno }) => {
      const argv = [process.execPath, LAUNCHER, `accept=${errno}`, ...command()];
      const child = Bun.spawn(argv, { stdout: "pipe", stderr: "pipe" });
      const [out, complaints] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      expect(complaints).toBe("");
      const { port, faults, cpu } = JSON.parse(out);
      expect(faults[0]).toMatch(new RegExp(`^Cannot accept at 127\\.0\\.0\\.1:${port}: .+; trying again`));
      expect(faults.length).toBeLessThan(20);
      expect(cpu).toBeLessThan(0.3);
    },
  );
});
