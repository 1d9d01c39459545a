/* discover.c - what this machine has, as far as it is plainly there: /proc, /sys, statvfs.
 *
 * Contract: a line that cannot be measured is not printed; nothing is guessed. */
#include "provision/providers/host/supervise/supervise.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SAMPLE_MS 120

static char big[SUPERVISE_TEXT_MAX];

/* Ticks of all processors since boot: busy and all. */
static bool read_ticks(double *busy, double *all)
{
    unsigned long long t[8] = {0};
    if (supervise_read("/proc/stat", big, sizeof big) < 0 && errno != EFBIG)
        return false;
    if (sscanf(big, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
               &t[4], &t[5], &t[6], &t[7]) < 4)
        return false;
    *all = 0;
    for (size_t i = 0; i < 8; i++)
        *all += (double)t[i];
    *busy = *all - (double)t[3] - (double)t[4];
    return *all > 0;
}

static double kib_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at != NULL ? strtod(at + strlen(key), NULL) : 0;
}

/* A container may have less than the machine: the smallest of what stands in these files. */
static double cgroup_memory_bytes(void)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.max",
                                        "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    char text[64];
    for (size_t i = 0; i < 2; i++) {
        double value;
        if (supervise_read(files[i], text, sizeof text) > 0) {
            text[strcspn(text, "\n")] = '\0';
            if (supervise_to_double(text, 1, 1e15, &value))
                return value;
        }
    }
    return 0;
}

static double cgroup_cores(void)
{
    char text[64];
    double quota, period;
    if (supervise_read("/sys/fs/cgroup/cpu.max", text, sizeof text) > 0 &&
        sscanf(text, "%lf %lf", &quota, &period) == 2 && period > 0)
        return quota / period;
    return 0;
}

static double usage_of_ours(const char *base, double *cpu_ms)
{
    char path[PATH_MAX];
    double bytes = 0;
    *cpu_ms = 0;
    if (!supervise_format(path, sizeof path, "%s/instances", base))
        return 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        struct supervise_usage usage;
        if (entry->d_name[0] == '.' ||
            !supervise_format(path, sizeof path, "%s/instances/%s", base, entry->d_name))
            continue;
        supervise_usage(path, &usage);
        bytes += (double)usage.memory_bytes;
        *cpu_ms += usage.cpu_ms;
    }
    if (dir != NULL)
        closedir(dir);
    return bytes;
}

static void show_processors_and_memory(const char *base)
{
    double busy[2], all[2], ours_ms[2], ours_bytes;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double limit = cgroup_cores();
    bool sampled = read_ticks(&busy[0], &all[0]);
    usage_of_ours(base, &ours_ms[0]);
    int64_t start = supervise_mono_ms();
    supervise_sleep_ms(SAMPLE_MS);
    sampled = sampled && read_ticks(&busy[1], &all[1]) && all[1] > all[0];
    double elapsed_ms = (double)(supervise_mono_ms() - start);
    ours_bytes = usage_of_ours(base, &ours_ms[1]);
    if (cores > 0)
        dprintf(STDOUT_FILENO, "vcpus=%.2f\n",
                limit > 0 && limit < (double)cores ? limit : (double)cores);
    if (cores > 0 && sampled) {
        double used = (double)cores * (busy[1] - busy[0]) / (all[1] - all[0]) -
                      (ours_ms[1] - ours_ms[0]) / elapsed_ms;
        dprintf(STDOUT_FILENO, "vcpus_used=%.3f\n", used > 0 ? used : 0.0);
    }
    if (supervise_read("/proc/meminfo", big, sizeof big) < 0)
        return;
    double total = kib_of(big, "MemTotal:") * 1024, free = kib_of(big, "MemAvailable:") * 1024;
    double cap = cgroup_memory_bytes();
    if (total > 0)
        dprintf(STDOUT_FILENO, "memory_bytes=%.0f\n", cap > 0 && cap < total ? cap : total);
    if (total > 0 && free > 0) {
        double used = total - free - ours_bytes;
        dprintf(STDOUT_FILENO, "memory_used=%.0f\n", used > 0 ? used : 0.0);
    }
}

static void show_disk(const char *base)
{
    char path[PATH_MAX];
    struct statvfs st;
    if (!supervise_format(path, sizeof path, "%s", base))
        return;
    while (statvfs(path, &st) < 0) { /* the base may not be made yet */
        char *slash = strrchr(path, '/');
        if (slash == NULL || errno != ENOENT)
            return;
        slash[slash == path ? 1 : 0] = '\0';
    }
    double unit = (double)st.f_frsize;
    dprintf(STDOUT_FILENO, "disk_bytes=%.0f\ndisk_free=%.0f\n", (double)st.f_blocks * unit,
            (double)st.f_bavail * unit);
}

static void show_line(const char *key, const char *value)
{
    char data[1024];
    struct supervise_text text = {.data = data, .size = sizeof data};
    supervise_add_line(&text, key, value);
    dprintf(STDOUT_FILENO, "%s", text.data);
}

/* Cards of the NVIDIA driver, by their model's name. */
static int show_nvidia(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/driver/nvidia/gpus");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX], text[4096], line[256];
        if (entry->d_name[0] == '.' ||
            !supervise_format(path, sizeof path, "/proc/driver/nvidia/gpus/%s/information",
                              entry->d_name) ||
            supervise_read(path, text, sizeof text) < 0)
            continue;
        char *model = strstr(text, "Model:");
        if (model == NULL)
            continue;
        model += strlen("Model:");
        model += strspn(model, " \t");
        model[strcspn(model, "\n")] = '\0';
        supervise_format(line, sizeof line, "gpu:%.200s", model);
        show_line("accelerator", line);
        count++;
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

/* Cards that only the display system knows: vendors whose cards compute. */
static void show_drm(bool with_nvidia)
{
    DIR *dir = opendir("/sys/class/drm");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX], vendor[32] = "", device[32] = "", line[256];
        if (strncmp(entry->d_name, "card", 4) != 0 || strchr(entry->d_name, '-') != NULL)
            continue;
        supervise_format(path, sizeof path, "/sys/class/drm/%.64s/device/vendor", entry->d_name);
        supervise_read(path, vendor, sizeof vendor);
        supervise_format(path, sizeof path, "/sys/class/drm/%.64s/device/device", entry->d_name);
        supervise_read(path, device, sizeof device);
        vendor[strcspn(vendor, "\n")] = '\0';
        device[strcspn(device, "\n")] = '\0';
        const char *maker = strcmp(vendor, "0x1002") == 0                  ? "AMD"
                            : with_nvidia && strcmp(vendor, "0x10de") == 0 ? "NVIDIA"
                                                                           : NULL;
        if (maker == NULL)
            continue;
        supervise_format(line, sizeof line, "gpu:%s device %s", maker, device);
        show_line("accelerator", line);
    }
    if (dir != NULL)
        closedir(dir);
}

static void show_davinci(void)
{
    DIR *dir = opendir("/dev");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        const char *number = entry->d_name + 7;
        if (strncmp(entry->d_name, "davinci", 7) == 0 && *number >= '0' && *number <= '9')
            show_line("accelerator", "npu:Ascend");
    }
    if (dir != NULL)
        closedir(dir);
}

int supervise_verb_discover(const char *base)
{
    struct utsname name;
    if (base[0] != '/')
        return supervise_fail(SUPERVISE_INVALID, "the base is no absolute path");
    if (uname(&name) == 0) {
        show_line("arch", name.machine);
        show_line("kernel", name.release);
        show_line("hostname", name.nodename);
    }
    dprintf(STDOUT_FILENO, "systemd=%s\nroot=%s\n",
            access("/run/systemd/system", F_OK) == 0 ? "yes" : "no", geteuid() == 0 ? "yes" : "no");
    show_processors_and_memory(base);
    show_disk(base);
    show_drm(show_nvidia() == 0);
    show_davinci();
    return SUPERVISE_OK;
}
