/* semantics.c - what a metric says, read from the words of its name.
 *
 * Contract: total; an unknown name is OTHER and may be wrong in either direction. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "twin/telemetry/telemetry.h"

const char *const telemetry_class_names[] = {NULL,           "other",   "latency",  "errors",
                                             "availability", "traffic", "resource", NULL};

/* First match wins, so that "error_latency" is a latency and "requests_failed" are errors. */
static const struct {
    const char *word;
    enum telemetry_class class;
    int direction;
} words[] = {
    {"latency", TELEMETRY_LATENCY, 1},
    {"duration", TELEMETRY_LATENCY, 1},
    {"response_time", TELEMETRY_LATENCY, 1},
    {"delay", TELEMETRY_LATENCY, 1},
    {"rtt", TELEMETRY_LATENCY, 1},
    {"jitter", TELEMETRY_LATENCY, 1},
    {"availability", TELEMETRY_AVAILABILITY, -1},
    {"success", TELEMETRY_AVAILABILITY, -1},
    {"uptime", TELEMETRY_AVAILABILITY, -1},
    {"error", TELEMETRY_ERRORS, 1},
    {"fail", TELEMETRY_ERRORS, 1},
    {"fault", TELEMETRY_ERRORS, 1},
    {"5xx", TELEMETRY_ERRORS, 1},
    {"timeout", TELEMETRY_ERRORS, 1},
    {"retries", TELEMETRY_ERRORS, 1},
    {"retrans", TELEMETRY_ERRORS, 1},
    {"restart", TELEMETRY_ERRORS, 1},
    {"drop", TELEMETRY_ERRORS, 1},
    {"loss", TELEMETRY_ERRORS, 1},
    {"request", TELEMETRY_TRAFFIC, 0},
    {"throughput", TELEMETRY_TRAFFIC, 0},
    {"rps", TELEMETRY_TRAFFIC, 0},
    {"qps", TELEMETRY_TRAFFIC, 0},
    {"traffic", TELEMETRY_TRAFFIC, 0},
    {"workload", TELEMETRY_TRAFFIC, 0},
    {"cpu", TELEMETRY_RESOURCE, 1},
    {"mem", TELEMETRY_RESOURCE, 1},
    {"disk", TELEMETRY_RESOURCE, 1},
    {"net", TELEMETRY_RESOURCE, 1},
    {"socket", TELEMETRY_RESOURCE, 1},
    {"thread", TELEMETRY_RESOURCE, 1},
    {"queue", TELEMETRY_RESOURCE, 1},
    {"utilization", TELEMETRY_RESOURCE, 1},
    {"utilisation", TELEMETRY_RESOURCE, 1},
    {"load", TELEMETRY_RESOURCE, 1},
};

void telemetry_semantics(const char *metric, enum telemetry_class *ret_class, int *ret_direction)
{
    *ret_class = TELEMETRY_OTHER;
    *ret_direction = 0;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!strcasestr(metric, words[i].word))
            continue;
        *ret_class = words[i].class;
        *ret_direction = words[i].direction;
        return;
    }
}
