/* mesh_bench.c - how long the analytic mode over a graph of calls takes: 2,000 services on 402
 * hosts for 308 steps, healthy, then with faults.
 *
 *     mesh-bench */
#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rand.h"
#include "twin/simulation/simulation.h"

enum { SERVICES = 2000, HOSTS = 402, ENTRIES = 51, CALLS = 6, STEPS = 308, ROUNDS = 8 };

static struct simulation_mesh make(struct rand *rand, int32_t *ret_calls, struct arena *arena)
{
    struct simulation_mesh_service *s = arena_array(arena, SERVICES, sizeof *s);
    struct simulation_mesh_host *hosts = arena_array(arena, HOSTS, sizeof *hosts);
    double *rate = arena_array(arena, SERVICES, sizeof *rate);
    for (int32_t i = 0; i < SERVICES; i++) {
        s[i].calls = arena_array(arena, CALLS, sizeof *s[i].calls);
        if (i < ENTRIES)
            rate[i] = s[i].outside_per_s = 10 + 30 * rand_unit(rand);
    }
    *ret_calls = 0;
    for (int32_t i = ENTRIES; i < SERVICES; i++)
        for (int n = rand_unit(rand) < 0.35 ? 2 : 1; n > 0; n--) {
            int32_t reach = 4 + SERVICES / 8, low = i > reach ? i - reach : 0;
            struct simulation_mesh_service *from =
                &s[low + (int32_t)rand_below(rand, (uint64_t)(i - low))];
            if (from->call_count == CALLS)
                continue;
            from->calls[from->call_count++] =
                (struct simulation_mesh_call){.to = i,
                                              .per_request = 0.3 + rand_unit(rand),
                                              .retries = (int32_t)rand_below(rand, 2),
                                              .critical = true,
                                              .request_kb = 2,
                                              .reply_kb = 10};
            ++*ret_calls;
        }
    for (int32_t i = 0; i < SERVICES; i++) {
        s[i].work_s = exp(-6.2 + 2.7 * rand_unit(rand));
        s[i].host = (int32_t)rand_below(rand, HOSTS);
        for (int32_t k = 0; k < s[i].call_count; k++)
            rate[s[i].calls[k].to] += rate[i] * s[i].calls[k].per_request;
        s[i].servers =
            (int32_t)fmax(2, ceil(rate[i] * s[i].work_s / (0.25 + 0.35 * rand_unit(rand))));
        hosts[s[i].host].cores += rate[i] * s[i].work_s / 0.5;
    }
    for (int32_t h = 0; h < HOSTS; h++)
        hosts[h] = (struct simulation_mesh_host){.cores = ceil(hosts[h].cores + 1),
                                                 .latency_s = 2e-4,
                                                 .link_kb_per_s = 1e6,
                                                 .link_messages = 100};
    struct simulation_mesh mesh = {s, hosts, SERVICES, HOSTS};
    simulation_mesh_settle(&mesh, 60);
    for (int32_t i = 0; i < SERVICES; i++) {
        s[i].threads = s[i].backlog = (int32_t)ceil(rate[i] * s[i].latency_s * 3) + 4;
        for (int32_t k = 0; k < s[i].call_count; k++)
            s[i].calls[k].timeout_s = 0.05 + 10 * s[s[i].calls[k].to].latency_s;
    }
    simulation_mesh_settle(&mesh, 60);
    return mesh;
}

static void play(struct simulation_mesh *mesh, struct rand *rand, const char *what)
{
    int64_t begin = clock_mono_us();
    double change = 0;
    int failing = 0;
    for (int step = 0; step < STEPS; step++) {
        for (int32_t i = 0; i < ENTRIES; i++)
            mesh->services[i].outside_per_s *= exp(0.02 * rand_normal(rand));
        change = simulation_mesh_settle(mesh, ROUNDS);
    }
    for (int32_t i = 0; i < SERVICES; i++)
        failing += mesh->services[i].errors > 0.01;
    printf("%-8s %d steps of %d rounds  %.2f s, %d services with errors, last change %.2g\n", what,
           STEPS, ROUNDS, (double)(clock_mono_us() - begin) / 1e6, failing, change);
}

int main(void)
{
    struct arena arena = ARENA_INIT;
    struct rand rand;
    int32_t calls;
    rand_init(&rand, 1);
    struct simulation_mesh mesh = make(&rand, &calls, &arena);
    printf("%d services, %d hosts, %d calls\n", SERVICES, HOSTS, calls);
    play(&mesh, &rand, "healthy");
    mesh.services[300].lost_servers = mesh.services[300].servers - 1;
    mesh.services[500].delay_s = 2;
    mesh.hosts[7].other_cores = 30;
    play(&mesh, &rand, "faults");
    arena_done(&arena);
    return 0;
}
