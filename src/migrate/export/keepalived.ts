/**
 * Two edge-lb machines that share one address: a VRRP pair (RFC 5798) by keepalived, in unicast. `edge-lb healthcheck` decides who may
 * have the address; the state of the clusters never does, since both machines see the same one.
 */
import { addressBytes } from "../../core/address.ts";

export interface KeepalivedInput {
  /** The shared address. */
  readonly vip: { readonly ip: string; readonly bits: number };
  readonly interface: string;
  /** Addresses of the two machines, the one that reads this configuration first. */
  readonly peers: readonly [string, string];
  /** The command that says whether edge-lb serves here. */
  readonly healthcheck: string;
}

/** RFC 5798 §5.2.4: 255 is for the owner of an address. Both start as backups, so the difference only settles a tie. */
const PRIORITIES = [101, 100] as const;
/** Seconds between two advertisements: a silent machine is missed after three and a bit. */
const ADVERT_SECONDS = 0.5;

export function exportKeepalived(input: KeepalivedInput): string {
  return [head(input.peers), GLOBAL, script(input.healthcheck), instance(input)].join("\n");
}

function head([self, other]: KeepalivedInput["peers"]): string {
  return `# Written by edge-lb export keepalived for ${self}; on ${other} the same with the two --peer exchanged.
# keepalived 2.0 or later: put it into /etc/keepalived/keepalived.conf and restart keepalived. edge-lb has to listen on the
# wildcard address (as it does by default), or net.ipv4.ip_nonlocal_bind=1 has to be set.
`;
}

const GLOBAL = `global_defs {
    enable_script_security
    script_user root
    vrrp_version 3
    # tells the network again where the address is, for switches that missed the first announcement
    vrrp_garp_master_refresh 30
}
`;

function script(healthcheck: string): string {
  return `# Ready: every listener accepts, the workers live, edge-lb is not draining. Two failures in a row give the address away; after
# two successes this machine may have it again, and takes it only when the other one loses it: no flapping on return. healthcheck
# itself gives up on a hanging edge-lb after a second; the timeout here is for a machine too busy to start it.
vrrp_script edge_lb {
    script "${healthcheck}"
    interval 1
    timeout 3
    fall 2
    rise 2
    init_fail
}
`;
}

function instance({ vip, interface: device, peers: [self, other] }: KeepalivedInput): string {
  return `vrrp_instance edge_lb {
    state BACKUP
    nopreempt
    interface ${device}
    # the same on both machines, and on no other pair of this network
    virtual_router_id ${routerId(vip.ip)}
    priority ${PRIORITIES[isLower(self, other) ? 0 : 1]}
    advert_int ${ADVERT_SECONDS}
    unicast_src_ip ${self}
    unicast_peer {
        ${other}
    }
    virtual_ipaddress {
        ${vip.ip}/${vip.bits} dev ${device}
    }
    track_script {
        edge_lb
    }
}
`;
}

/** From the shared address, so that both machines write the same and two pairs seldom do: 1 to 255. */
function routerId(ip: string): number {
  const last = (addressBytes(ip) ?? new Uint8Array([1])).at(-1) ?? 1;
  return last === 0 ? 255 : last;
}

function isLower(a: string, b: string): boolean {
  const [one, two] = [addressBytes(a) ?? new Uint8Array(), addressBytes(b) ?? new Uint8Array()];
  for (const [at, byte] of one.entries()) {
    const difference = byte - (two[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
