/**
 * The systemd unit, for `edge-lb install` and for the packages: a user of its own, one capability, and every wall that a runtime
 * which compiles as it runs can live behind. `MemoryDenyWriteExecute` is the one it cannot.
 * @see systemd.exec(5), systemd.service(5)
 */
import { SERVICE_CONTROL_PATH } from "../config/options/control-path.ts";

/** Where things are; a package has its binary in /usr/bin. */
export interface UnitPlaces {
  readonly binary: string;
  readonly config: string;
}

export const UNIT_NAME = "edge-lb.service";
/** The system user that the service runs as. */
export const SERVICE_USER = "edge-lb";

const WALLS = `NoNewPrivileges=yes

ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources`;

export function unitText({ binary, config }: UnitPlaces): string {
  return `# What is to be otherwise belongs in a drop-in: systemctl edit edge-lb
[Unit]
Description=edge-lb, many Kubernetes clusters behind one IP
Wants=network-online.target
After=network-online.target nss-lookup.target

[Service]
Type=notify
ExecStart=${binary} run -c ${config} --control ${SERVICE_CONTROL_PATH}
ExecReload=${binary} reload --control ${SERVICE_CONTROL_PATH}
Restart=on-failure
RestartSec=1
WatchdogSec=30
LimitNOFILE=1048576

User=${SERVICE_USER}
RuntimeDirectory=edge-lb
StateDirectory=edge-lb
LogsDirectory=edge-lb
UMask=0077

# ports below 1024; source=client also needs CAP_NET_ADMIN, in both lines
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
${WALLS}

[Install]
WantedBy=multi-user.target
`;
}
