/** The kinds of sources. One more needs its file and a line here. */
import type { DiscoverSource, SourceKind } from "../config/values/discover-source.ts";
import { kubeconfigSource } from "./kubeconfig.ts";
import { libvirtSource } from "./libvirt.ts";
import { netSource } from "./net.ts";
import { proxmoxSource } from "./proxmox.ts";
import type { Source, SourceInput } from "./source.ts";

const OPENERS: Readonly<Record<SourceKind, (spec: DiscoverSource, input: SourceInput) => Source>> = {
  net: netSource,
  libvirt: libvirtSource,
  proxmox: proxmoxSource,
  kubeconfig: kubeconfigSource,
};

/** @throws EdgeError CONFIG_INVALID when it lacks what it needs */
export function openSource(spec: DiscoverSource, input: SourceInput): Source {
  return OPENERS[spec.kind](spec, input);
}
