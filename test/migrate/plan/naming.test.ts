import { describe, expect, test } from "bun:test";
import { baseName } from "../../../src/migrate/plan/naming.ts";

describe("baseName()", () => {
  test.each([
    ["be_api_hub_6443", "hub"],
    ["lab-2-api", "lab-2"],
    ["kube_api", ""],
    ["shop.lab", "shop-lab"],
    ["router.s3.core.rht.org", "s3"],
    ["lb_https_backend/master-0.d1.casl.rht.org", "d1"],
    ["www.shop.example.org", "shop"],
  ])("takes of %s the word that names a cluster", (backend, want) => {
    expect(baseName(backend)).toBe(want);
  });
});
