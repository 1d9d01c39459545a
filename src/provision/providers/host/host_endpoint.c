/* host_endpoint.c - the endpoint's text taken apart. */
#include <string.h>

#include "base/str.h"
#include "provision/providers/host/host_priv.h"

#define ENDPOINT_MAX 1024

static enum err_code refuse(const char *text, const char *why, struct err *err)
{
    err_set(err, ERR_INVALID, "endpoint '%s': %s", text, why);
    if (err != NULL)
        err_hint(err, "\"local\" or ssh://user@host:port?key=FILE&known_hosts=FILE");
    return ERR_INVALID;
}

static bool is_clean(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 127)
            return false;
    return str_is_utf8(text, strlen(text));
}

/* Host names, IPv4 and, in brackets, IPv6; nothing that a shell or libssh reads otherwise. */
static bool is_host(const char *text)
{
    if (text[0] == '\0' || text[0] == '-')
        return false;
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "-._:%")] == '\0';
}

static enum err_code parse_query(const char *text, char *query, struct host_endpoint *out,
                                 struct err *err)
{
    for (char *save = NULL, *item = strtok_r(query, "&", &save); item != NULL;
         item = strtok_r(NULL, "&", &save)) {
        char *value = strchr(item, '=');
        if (value == NULL || value[1] == '\0')
            return refuse(text, "a setting is KEY=VALUE", err);
        *value++ = '\0';
        const char **to = str_eq(item, "key")           ? &out->key_file
                          : str_eq(item, "known_hosts") ? &out->known_hosts
                          : str_eq(item, "base")        ? &out->base
                                                        : NULL;
        if (to == NULL || *to != NULL)
            return refuse(text, "settings are key, known_hosts and base, each once", err);
        if (value[0] != '/')
            return refuse(text, "a file or folder is named by its absolute path", err);
        *to = value;
    }
    return ERR_OK;
}

static enum err_code parse_port(const char *text, const char *port, struct host_endpoint *out,
                                struct err *err)
{
    int64_t number;
    if (port[0] < '0' || port[0] > '9' || str_to_int64(port, &number, NULL) != ERR_OK ||
        number < 1 || number > 65535)
        return refuse(text, "the port is a number from 1 to 65535", err);
    out->port = (int)number;
    return ERR_OK;
}

enum err_code host_endpoint_parse(const char *text, struct host_endpoint *out, struct arena *arena,
                                  struct err *err)
{
    *out = (struct host_endpoint){0};
    if (text == NULL || strlen(text) > ENDPOINT_MAX || !is_clean(text))
        return err_set(err, ERR_INVALID, "the endpoint is missing, too long or not plain text");
    if (str_eq(text, "local"))
        return ERR_OK;
    if (!str_has_prefix(text, "ssh://"))
        return refuse(text, "it is no endpoint of a host", err);
    char *rest = arena_strdup(arena, text + strlen("ssh://"));
    char *query = strchr(rest, '?');
    if (query != NULL) {
        *query++ = '\0';
        if (*query == '\0')
            return refuse(text, "nothing follows '?'", err);
        enum err_code rc = parse_query(text, query, out, err);
        if (rc != ERR_OK)
            return rc;
    }
    char *at = strrchr(rest, '@');
    out->user = "root";
    if (at != NULL) {
        *at = '\0';
        out->user = rest;
        rest = at + 1;
        if (out->user[0] == '\0' || out->user[0] == '-' || strpbrk(out->user, ":/@") != NULL)
            return refuse(text, "the user's name is no plain name", err);
    }
    char *host = rest, *end = strchr(rest, ':');
    if (rest[0] == '[') {
        host = rest + 1;
        char *bracket = strchr(host, ']');
        if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':'))
            return refuse(text, "the bracket is not closed before the port", err);
        end = bracket[1] == ':' ? bracket + 1 : NULL;
        *bracket = '\0';
    }
    out->port = 22;
    if (end != NULL) {
        *end = '\0';
        enum err_code rc = parse_port(text, end + 1, out, err);
        if (rc != ERR_OK)
            return rc;
    }
    if (!is_host(host))
        return refuse(text, "the host is no name or address", err);
    out->remote = true;
    out->host = host;
    return ERR_OK;
}
