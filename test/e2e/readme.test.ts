/** Every command of the README, as it is written there, on the lab that it speaks of. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ArticleLab, CLUSTERS, PUBLIC_IP } from "../../scripts/lab/article-lab.ts";
import { command, type CommandResult } from "../../scripts/lab/command.ts";
import { until } from "../../scripts/lab/small-lab.ts";
import { ScratchRoot } from "../../scripts/lab/scratch-root.ts";

const ROOT = join(import.meta.dir, "../..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const WORDS = { least: 700, most: 1_050 } as const;

/** A line to type, with the heading it stands below. */
interface Typed {
  readonly section: string;
  readonly line: string;
}

interface Page {
  readonly typed: readonly Typed[];
  readonly yaml: readonly string[];
}

function read(markdown: string): Page {
  const typed: Typed[] = [];
  const yaml: string[] = [];
  let section = "";
  for (const [, heading, language, block = ""] of markdown.matchAll(/^## ([^\n]*)$|^```(\w*)\n(.*?)^```$/gms)) {
    if (heading !== undefined) section = heading;
    if (language === "yaml") yaml.push(block);
    if (language === "sh")
      for (const line of block.replaceAll("\\\n", " ").trimEnd().split("\n"))
        typed.push({ section, line: line.replace(/\s+#.*$/, "") });
  }
  return { typed, yaml };
}

const PAGE = read(README);
/** It stays until Ctrl-C. */
const isServing = (line: string): boolean => line.startsWith("sudo edge-lb -");
/** What the gate does anyway, with minutes of its own. */
const isOfTheGate = (line: string): boolean => line.startsWith("npm run ");

describe("the README", () => {
  test("is a page", () => {
    const words = README.replace(/<!-- bench -->[^]*<!-- \/bench -->/, "").split(/\s+/).length;
    expect(words).toBeGreaterThan(WORDS.least);
    expect(words).toBeLessThan(WORDS.most);
  });

  test("leads to files that are here", () => {
    const links = [...README.matchAll(/\]\((?!http|\.\.\/\.\.\/|#)([^)#]+)/g)].map(([, path = ""]) => path);
    expect(links.length).toBeGreaterThan(5);
    for (const path of links) expect([path, Bun.file(join(ROOT, path)).size > 0]).toEqual([path, true]);
  });
});

describe.if(process.platform === "linux" && process.getuid?.() === 0)("on the README's lab", () => {
  let lab: ArticleLab;
  let machine: ScratchRoot;
  let serving: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null;

  beforeAll(async () => {
    lab = await ArticleLab.open();
    machine = await ScratchRoot.open(lab.hypervisor);
    const sudo = '#!/bin/sh\\nexec \\"\\$@\\"\\n';
    const { code, err } = await machine.sh(
      `ln -s ${ROOT}/dist dist && ln -s ${ROOT}/dist/edge-lb /usr/local/bin/edge-lb
mkdir -p /etc/haproxy && cp ${ROOT}/test/fixtures/haproxy/article.cfg /etc/haproxy/haproxy.cfg
printf "${sudo}" >/usr/local/bin/sudo && chmod 755 /usr/local/bin/sudo
rm -f /etc/resolv.conf && echo "nameserver 192.168.125.1" >/etc/resolv.conf
cat >edge-lb.yaml <<'END'\n${PAGE.yaml[0] ?? ""}END`,
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
  }, 60_000);
  afterAll(async () => {
    await stopServing();
    await machine?.close();
    await lab?.close();
  });

  const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const type = (line: string) =>
    machine.sh(line, { env: { PATH: `${PATH}:${dirname(process.execPath)}` }, timeoutMs: 60_000 });

  async function stopServing(): Promise<void> {
    serving?.kill("SIGTERM");
    serving?.kill("SIGINT");
    await serving?.exited;
    serving = null;
  }

  async function serve(line: string): Promise<void> {
    await stopServing();
    const env = { ...process.env, PATH };
    serving = Bun.spawn([...machine.prefix, "sh", "-c", `exec ${line}`], { stdio: ["ignore", "pipe", "pipe"], env });
    const { value } = await serving.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toStartWith("edge-lb ready ");
  }

  /** Who answers for each cluster, asked from among the VMs at the public address. */
  function answering(): Promise<readonly string[]> {
    const ask = async ({ domain }: (typeof CLUSTERS)[number]): Promise<string> => {
      const host = `console.apps.${domain}`;
      const to = ["--resolve", `${host}:443:${PUBLIC_IP}`, `https://${host}/`];
      const { out } = await command([...lab.vms, "curl", "--silent", "--insecure", "--max-time", "10", ...to]);
      return out === "" ? "nobody" : String(JSON.parse(out).cluster);
    };
    return Promise.all(CLUSTERS.map(ask));
  }

  /** What a line's end means where it is not 0 or something is to be seen; the rest of the page has to end with 0. */
  const ENDS: readonly (readonly [RegExp, (result: CommandResult) => void])[] = [
    [/^sudo edge-lb check --live/, onlyNamesAreMissing],
    [/^edge-lb import/, everyDifferenceIsExplained],
    [/^edge-lb explain/, ({ code, out }) => expect([code, /cluster +managed1/.test(out)]).toEqual([0, true])],
  ];

  /** The page has them made two steps later, and says so. */
  function onlyNamesAreMissing({ code, out }: CommandResult): void {
    expect(code).toBe(1);
    const failed = out.split("\n").filter((line) => line.startsWith("  fail "));
    expect(failed.filter((line) => !/ (api|\*\.apps)\.[a-z0-9-]+\.linuxera\.lab: the name server/.test(line))).toEqual(
      [],
    );
    expect(out).toContain("3 of 6 up");
  }

  /** The article's file has mistakes, which edge-lb does not repeat. */
  function everyDifferenceIsExplained({ code, out }: CommandResult): void {
    expect([0, 3]).toContain(code);
    expect(out).toMatch(/^Verified: \d+ names asked of both, .*, 0 of them unexplained$/m);
  }

  test("every command does what the page says", async () => {
    const lines = PAGE.typed.filter(({ line }) => !isOfTheGate(line));
    expect(lines.length).toBeGreaterThan(12);
    for (const { section, line } of lines) {
      if (isServing(line)) {
        await serve(line);
        const isFirst = section === ""; // names two clusters, and no domain: their certificates tell, in a moment
        const want = ["hub", "managed1", isFirst ? "nobody" : "managed2"].join();
        await until(`${line}: ${want}`, async () => (await answering()).join() === want);
        if (isFirst) await stopServing();
        continue;
      }
      const result = await type(line);
      const end = ENDS.find(([pattern]) => pattern.test(line))?.[1];
      if (end === undefined) expect({ line, ...result }).toMatchObject({ line, code: 0, err: "" });
      else end(result);
    }
    expect(await answering()).toEqual(["hub", "managed1", "managed2"]);
  }, 180_000);
});
