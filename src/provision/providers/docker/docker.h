/* docker.h - the provider that runs containers through the Docker Engine HTTP API (dockerd,
 * podman).
 *
 * Endpoint: "unix:///path/of/the.sock" or "tcp://HOST:PORT" (plain HTTP; protect it by the
 * network). Forms: container.  Tasks: artefact.deliver (an image from a rootfs archive or from
 * `docker save`), instance.start (one container), instance.check (GET on a published port).
 *
 * Idempotency lies in the engine's own rule that a container's name is unique.  A container is ours
 * when its label swan.name is the name of the spec; one of that name without the label is never
 * touched.  Images are kept under localhost/swan/APPLICATION:12-digits-of-the-digest, where no
 * registry can answer for them, and stay when an instance goes. */
#ifndef SWAN_DOCKER_DOCKER_H
#define SWAN_DOCKER_DOCKER_H

#include "provision/providers/provider.h"

extern const struct provider_ops docker_provider;

#endif
