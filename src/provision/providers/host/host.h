/* host.h - a Linux machine as a place for packages: this one, or another over SSH.
 *
 * Endpoint: "local", or "ssh://[USER@]HOST[:PORT][?key=FILE&known_hosts=FILE&base=FOLDER]" (user
 * root, port 22, an IPv6 address in brackets; keys as wire/ssh.h says; base is on the machine).
 * Anything else is ERR_INVALID.
 *
 * On the machine everything lies below one folder: STATE_DIR/host for this one, /var/lib/swan
 * (root) or ~/.swan on another.  What is done there in one piece is done by the program
 * swan-supervise (provider_host.supervisor_path), which is copied to the other machine; for one of
 * another arch the file SUPERVISOR_PATH-ARCH ("…-aarch64") is taken, ERR_UNSUPPORTED when there is
 * none.
 *
 * Does TASK_DELIVER (unpacks tar, tar.gz, tar.xz, zip), TASK_INSTANCE and TASK_CHECK of the form
 * package.  An instance gets HOST, PORT and PORT_<NAME>, SWAN_INSTANCE, SWAN_DEPLOYMENT and
 * SWAN_COMPONENT; a spec's own variables of these names are dropped.  It is not isolated: it runs
 * as the user that Swan is there. */
#ifndef SWAN_HOST_HOST_H
#define SWAN_HOST_HOST_H

#include "provision/providers/provider.h"

extern const struct provider_ops host_provider;

#endif
