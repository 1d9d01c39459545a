/* main.c - swan-supervise: the verbs by which the provider `host` works on a machine.
 *
 *   swan-supervise DIR                           the supervisor of DIR, in the background
 *   swan-supervise apply BASE NAME               spec on stdin; makes or adopts the instance
 *   swan-supervise prepare BASE NAME             the same without the start
 *   swan-supervise stop|remove BASE NAME
 *   swan-supervise show BASE PREFIX [SAMPLE_MS]  all whose name begins so
 *   swan-supervise look BASE NAME                one
 *   swan-supervise unpack BASE NAME ARTEFACT ARCHIVE
 *   swan-supervise release|delivered BASE NAME ARTEFACT
 *   swan-supervise discover BASE
 *   swan-supervise probe ADDRESS PORT PATH */
#include "provision/providers/host/supervise/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int verb_show(char **args)
{
    int64_t sample_ms = 0;
    if (args[2] != NULL && !supervise_to_int(args[2], 0, 10000, &sample_ms))
        return supervise_fail(SUPERVISE_INVALID, "bad sample time");
    return supervise_verb_show(args[0], args[1], false, (int)sample_ms);
}

static int verb_look(char **args)
{
    return supervise_verb_show(args[0], args[1], true, 0);
}

static int verb_apply(char **args)
{
    return supervise_verb_apply(args[0], args[1], true);
}

static int verb_prepare(char **args)
{
    return supervise_verb_apply(args[0], args[1], false);
}

static int verb_stop(char **args)
{
    return supervise_verb_stop(args[0], args[1]);
}

static int verb_remove(char **args)
{
    return supervise_verb_remove(args[0], args[1]);
}

static int verb_unpack(char **args)
{
    return supervise_verb_unpack(args[0], args[1], args[2], args[3]);
}

static int verb_release(char **args)
{
    return supervise_verb_release(args[0], args[1], args[2]);
}

static int verb_delivered(char **args)
{
    return supervise_verb_delivered(args[0], args[1], args[2]);
}

static int verb_discover(char **args)
{
    return supervise_verb_discover(args[0]);
}

static int verb_probe(char **args)
{
    return supervise_verb_probe(args[0], args[1], args[2]);
}

static const struct {
    const char *name;
    int least, most;
    int (*run)(char **args);
} verbs[] = {
    {"apply", 2, 2, verb_apply},         {"prepare", 2, 2, verb_prepare},
    {"stop", 2, 2, verb_stop},           {"remove", 2, 2, verb_remove},
    {"show", 2, 3, verb_show},           {"look", 2, 2, verb_look},
    {"unpack", 4, 4, verb_unpack},       {"release", 3, 3, verb_release},
    {"delivered", 3, 3, verb_delivered}, {"discover", 1, 1, verb_discover},
    {"probe", 3, 3, verb_probe},
};

int main(int argc, char **argv)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < 3) /* 0, 1 and 2 are open from here on */
        fd = open("/dev/null", O_RDWR);
    close(fd);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 >= verbs[i].least &&
            argc - 2 <= verbs[i].most)
            return verbs[i].run(argv + 2);
    if (argc == 2 && argv[1][0] == '/') {
        const char *wrong = supervise_start(argv[1]);
        return wrong[0] == '\0' ? SUPERVISE_OK : supervise_fail(SUPERVISE_FAULT, "%s", wrong);
    }
    return supervise_fail(
        SUPERVISE_INVALID,
        "usage: swan-supervise DIR | apply|prepare|stop|remove|look BASE NAME | show BASE "
        "PREFIX [MS] | unpack BASE NAME ARTEFACT ARCHIVE | release|delivered BASE "
        "NAME ARTEFACT | discover BASE | probe ADDRESS PORT PATH");
}
