import { describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import { EdgeError } from "../../src/errors.ts";
import { Installer, type Step } from "../../src/install/install.ts";
import { PLACES } from "../../src/install/places.ts";
import type { NewFile, System } from "../../src/install/system.ts";
import { uninstallSteps } from "../../src/install/uninstall.ts";

const EXECUTABLE = "/home/lab/edge-lb";
const TEXTS = { config: "clusters: {}\n", man: ".TH", bash: "b", zsh: "z", fish: "f" };

/** A machine in memory. */
class Machine implements System {
  readonly isRoot = true;
  readonly runsSystemd: boolean;
  readonly files = new Map<string, string>([[EXECUTABLE, "ELF"]]);
  readonly written: NewFile[] = [];
  readonly ran: string[] = [];
  readonly users = new Map<string, number>();
  fails: string | null = null;

  constructor(runsSystemd = true) {
    this.runsSystemd = runsSystemd;
    if (runsSystemd) this.files.set(dirname(PLACES.unit), "");
  }
  exists(path: string): boolean {
    return this.files.has(path);
  }
  read(path: string): Uint8Array | null {
    const text = this.files.get(path);
    return text === undefined ? null : new TextEncoder().encode(text);
  }
  write(file: NewFile): void {
    this.written.push(file);
    this.files.set(file.path, typeof file.content === "string" ? file.content : new TextDecoder().decode(file.content));
  }
  remove(path: string): void {
    this.files.delete(path);
  }
  run(argv: readonly string[]): void {
    this.ran.push(argv.join(" "));
    if (argv[0] === this.fails) throw new EdgeError("INSTALL_FAILED", `Cannot run ${argv[0]}`);
    if (argv[0] === "useradd") this.users.set("edge-lb", 997);
    if (argv[0] === "userdel") this.users.delete("edge-lb");
  }
  groupOf(user: string): number | null {
    return this.users.get(user) ?? null;
  }
}

function perform(steps: readonly Step[]): readonly string[] {
  for (const { run } of steps) run?.();
  return steps.map(({ what }) => what);
}

function install(machine: Machine): readonly string[] {
  return perform(new Installer(machine, { executable: EXECUTABLE, texts: TEXTS }).steps());
}

describe("Installer", () => {
  test("makes user, executable, file and unit, in this order, and starts the service", () => {
    const machine = new Machine();
    const said = install(machine);
    expect(said[0]).toBe("create the system user edge-lb");
    expect(said).toContain(`copy ${EXECUTABLE} to /usr/local/bin/edge-lb`);
    expect(machine.ran).toEqual([
      expect.stringMatching(/^useradd --system .* edge-lb$/),
      "systemctl daemon-reload",
      "systemctl enable --now edge-lb.service",
    ]);
    expect(machine.files.get(PLACES.binary)).toBe("ELF");
    expect(machine.files.get(PLACES.unit)).toContain("ExecStart=/usr/local/bin/edge-lb run -c /etc/edge-lb.yaml ");
    expect(machine.written.find(({ path }) => path === PLACES.config)).toMatchObject({ mode: 0o640, group: 997 });
    expect(machine.written.find(({ path }) => path === PLACES.record)).toMatchObject({ mode: 0o600, group: null });
  });

  test("never overwrites the file, and keeps a user that was there", () => {
    const machine = new Machine();
    machine.files.set(PLACES.config, "mine");
    machine.users.set("edge-lb", 5);
    expect(install(machine)).toContain("keep /etc/edge-lb.yaml, which is there already");
    expect(machine.files.get(PLACES.config)).toBe("mine");
    expect(machine.ran.filter((line) => line.startsWith("useradd"))).toEqual([]);
  });

  test("without systemd says what to do, and starts nothing", () => {
    const machine = new Machine(false);
    expect(install(machine).at(-1)).toBe(
      "note that systemd does not run here: have what starts services run /usr/local/bin/edge-lb -c /etc/edge-lb.yaml --user edge-lb",
    );
    expect(machine.ran.filter((line) => line.startsWith("systemctl"))).toEqual([]);
    expect(machine.files.has(PLACES.unit)).toBe(false);
  });
});

describe("uninstallSteps()", () => {
  test("leaves the machine as it was, also after two installs", () => {
    const machine = new Machine();
    const before = [...machine.files];
    install(machine);
    install(machine);
    machine.ran.length = 0;
    perform(uninstallSteps(machine));
    expect([...machine.files]).toEqual(before);
    expect(machine.ran).toEqual([
      "systemctl disable --now edge-lb.service",
      "systemctl daemon-reload",
      "userdel edge-lb",
    ]);
  });

  test("install again keeps a unit that was edited, and writes one that is gone", () => {
    const machine = new Machine();
    install(machine);
    machine.files.set(PLACES.unit, "edited");
    install(machine);
    expect(machine.files.get(PLACES.unit)).toBe("edited");
    expect(perform(uninstallSteps(machine))).toContain(`keep ${PLACES.unit}, which was edited`);
    machine.files.delete(PLACES.unit);
    install(machine);
    expect(machine.files.get(PLACES.unit)).toContain("[Service]");
  });

  test("keeps what was edited, what was there before, and says so", () => {
    const machine = new Machine();
    machine.users.set("edge-lb", 5);
    install(machine);
    machine.files.set(PLACES.config, "edited");
    machine.files.delete(PLACES.man);
    const said = perform(uninstallSteps(machine));
    expect(said).toContain("keep /etc/edge-lb.yaml, which was edited");
    expect(said).toContain(`skip ${PLACES.man}, which is gone already`);
    expect(machine.files.get(PLACES.config)).toBe("edited");
    expect(machine.users.get("edge-lb")).toBe(5);
  });

  test("takes back a half-done install", () => {
    const machine = new Machine();
    const before = [...machine.files];
    machine.fails = "systemctl";
    expect(() => install(machine)).toThrow("Cannot run systemctl");
    machine.fails = null;
    perform(uninstallSteps(machine));
    expect([...machine.files]).toEqual(before);
  });

  test("refuses where nothing was installed", () => {
    expect(() => uninstallSteps(new Machine())).toThrow("Cannot uninstall: nothing was installed by edge-lb install");
  });
});
