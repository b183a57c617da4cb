import { describe, expect, test } from "bun:test";
import { edgeLb } from "../running.ts";

const CLUSTER = ["--cluster", "hub=10.0.0.1,domain=hub.lab"];

describe("edge-lb check", () => {
  test.each([
    [
      ["--cluster", "hub=10.0.0.1,source=client", "--engine", "bun"],
      'Cannot use source=client of cluster "hub": engine bun cannot dial from a client\'s address, linux can',
    ],
    [
      ["--cluster", "hub=10.0.0.1,source=client", "--engine", "node"],
      'Cannot use source=client of cluster "hub": engine node cannot dial from a client\'s address, linux can',
    ],
    [[...CLUSTER, "--user", "nosuch-user"], 'Cannot run as user "nosuch-user": there is no such user in /etc/passwd'],
    [[...CLUSTER, "--discover", "proxmox:https://127.0.0.1:8006"], "EDGE_LB_PROXMOX_TOKEN"],
    [[], "Cannot start: 0 clusters, at least 1 wanted"],
  ])("finds what a start refuses: %p", async (flags, words) => {
    const ran = await edgeLb(["check", ...flags]);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.err).toContain(words);
  });

  test.each([["auto"], ["linux"]])("finds nothing in source=client with engine %s", async (engine) => {
    const ran = await edgeLb(["check", "--cluster", "hub=10.0.0.1,source=client", "--engine", engine]);
    expect(ran).toMatchObject({ code: 0, err: "" });
  });
});
