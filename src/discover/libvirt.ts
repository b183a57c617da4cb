/** `libvirt[:URI]`: the addresses of running domains, as virsh knows them from leases, the guests' agents and ARP. */
import { execFile } from "node:child_process";
import { sourceText, type DiscoverSource } from "../config/values/discover-source.ts";
import { codeOf } from "../errors.ts";
import { reachable } from "./addresses.ts";
import { sourceFault, type Candidate, type Source, type SourceInput } from "./source.ts";

const EVERY_MS = 10_000;
const ANSWER_MS = 8_000;
/** Not all of a hypervisor's guests at once: libvirt's agent calls wait for each other anyway. */
const AT_A_TIME = 4;
/** Where virsh knows addresses from; a source that a domain lacks answers with an error, which says nothing. */
const KNOWN_FROM = ["lease", "agent", "arp"];
const OUTPUT_MOST = 4 * 1_048_576;

export function libvirtSource(spec: DiscoverSource, input: SourceInput): Source {
  const virsh = new Virsh(spec, input);
  return { spec, everyMs: EVERY_MS, find: () => virsh.find() };
}

class Virsh {
  private readonly spec: DiscoverSource;
  private readonly env: SourceInput["env"];

  constructor(spec: DiscoverSource, { env }: SourceInput) {
    this.spec = spec;
    this.env = env;
  }

  async find(): Promise<readonly Candidate[]> {
    const names = (await this.list()).split("\n").map((line) => line.trim());
    const waiting = names.filter((name) => name !== "").entries();
    const found: (readonly Candidate[])[] = []; // in virsh's order, whoever answers first
    const work = async (): Promise<void> => {
      for (const [place, name] of waiting) found[place] = await this.addressesOf(name);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    return found.flat();
  }

  private async list(): Promise<string> {
    try {
      return await this.run("list", "--name", "--state-running");
    } catch (error) {
      const missing = codeOf(error) === "ENOENT";
      const why = missing ? "there is no program virsh" : firstLine(error);
      throw sourceFault(sourceText(this.spec), why, missing ? "install libvirt-clients" : undefined);
    }
  }

  private async addressesOf(name: string): Promise<readonly Candidate[]> {
    const texts: string[] = [];
    for (const from of KNOWN_FROM) {
      const table = await this.run("domifaddr", "--domain", name, "--source", from, "--full").catch(() => "");
      texts.push(...[...table.matchAll(/\sipv[46]\s+(\S+)/g)].flatMap(([, address]) => address ?? []));
    }
    return reachable(texts).map((ip) => ({ ip, label: name }));
  }

  private run(...args: readonly string[]): Promise<string> {
    const { place } = this.spec;
    const connection = place === "" ? [] : ["--connect", place];
    const options = { timeout: ANSWER_MS, maxBuffer: OUTPUT_MOST, env: { ...this.env, LC_ALL: "C" } };
    return new Promise((resolve, reject) => {
      execFile("virsh", ["--readonly", ...connection, ...args], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(codeOf(error) === "ENOENT" ? error : new Error(stderr.trim() || error.message));
      });
    });
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split("\n")[0] ?? "").replace(/^error: /, "");
}
