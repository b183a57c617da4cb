/**
 * What dpkg and rpm run around their work. The service is neither enabled nor started: it has no clusters yet. An update does not restart
 * it either, since that would cut tunnels: the old program goes on until the owner hands over or restarts.
 */
import { SERVICE_USER, UNIT_NAME } from "../../src/install/unit.ts";

const ADD_USER = `if ! getent passwd ${SERVICE_USER} >/dev/null; then
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ${SERVICE_USER}
fi`;

const RELOAD = `if [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi`;

const STOP = `if [ -d /run/systemd/system ]; then systemctl --quiet disable --now ${UNIT_NAME} || :; fi`;

const FIRST = `echo "edge-lb: write /etc/edge-lb.yaml (an example: /usr/share/doc/edge-lb/examples/edge-lb.yaml), then: systemctl enable --now edge-lb"`;
const AGAIN = `if [ -d /run/systemd/system ] && systemctl --quiet is-active ${UNIT_NAME}; then
  echo "edge-lb: the old program goes on until: systemctl restart edge-lb"
fi`;

const shell = (...parts: readonly string[]): string => `#!/bin/sh\nset -e\n${parts.join("\n")}\n`;

/** @see deb-postinst(5) and its neighbours: the first argument says what is going on */
export const DEB_HOOKS: Readonly<Record<string, string>> = {
  postinst: shell(
    `if [ "$1" = configure ]; then`,
    ADD_USER,
    RELOAD,
    `if [ -z "$2" ]; then ${FIRST}; else`,
    AGAIN,
    `fi`,
    `fi`,
  ),
  prerm: shell(`if [ "$1" = remove ]; then`, STOP, `fi`),
  postrm: shell(RELOAD, `if [ "$1" = purge ]; then rm -rf /var/lib/edge-lb /var/log/edge-lb; fi`),
};

/** In a spec file the first argument counts the versions that will be there afterwards. */
export const RPM_HOOKS: Readonly<Record<string, string>> = {
  pre: ADD_USER,
  post: [RELOAD, `if [ "$1" = 1 ]; then ${FIRST}; else`, AGAIN, "fi"].join("\n"),
  preun: [`if [ "$1" = 0 ]; then`, STOP, "fi"].join("\n"),
  postun: RELOAD,
};
