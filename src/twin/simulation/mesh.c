/* mesh.c - many services that call each other, in the steady state of one step of time.
 *
 * Contract: results are finite for every load.  Each service is an aggregate of a thread pool with
 * a backlog, its workers (M/M/c) and a delay while callees are waited for: exact for exponential
 * times (Chandy, Herzog and Woo 1975), the delay by its mean alone.  Services feel each other by
 * rates, latencies and errors, taken as independent, until they agree; by the processors of their
 * host (processor sharing); and by its uplink (M/M/1/K each way). */
#include <math.h>

#include "twin/simulation/simulation_priv.h"

#define DAMPING 0.5  /* of one round */
#define PLACES 10000 /* waiting for workers where threads are not limited */
#define COLLECT_MOST 50.0
#define RARE 25.0 /* −ln of what is never seen */
#define LEAST_S 1e-12

/* ---- one service ---- */

struct station { /* as it is asked */
    double rate, work_s, delay_s;
    int64_t servers, threads, backlog;
};

struct passage { /* what comes of it; times of those let in */
    double refused;
    double held_s, held_square; /* for a thread */
    double wait_s, wait_square; /* for a worker */
};

static bool is_easy(const struct station *s)
{
    double use = s->rate * s->work_s / (double)s->servers, away = s->rate * s->delay_s;
    if (s->rate * s->work_s + away < 1e-9)
        return true; /* hardly anybody comes */
    if (use >= 0.95)
        return false;
    double deep = (double)s->servers + (use > 0 ? RARE / -log(use) : 0);
    return (double)s->threads > deep + away + 7 * sqrt(away) + 10;
}

/* Weights far apart: each sum is times SCALE to the power `exponent`. */
#define SCALE 1e100

struct sums {
    int exponent;
    double full, one_less;               /* weights of n = threads, and of one fewer */
    double come, come_wait, come_square; /* n < threads, as seen by who comes */
    double last_wait, last_square;       /* n = threads − 1, by who comes from the backlog */
};

static void scale_sums(struct sums *sums, double by)
{
    sums->full *= by;
    sums->one_less *= by;
    sums->come *= by;
    sums->come_wait *= by;
    sums->come_square *= by;
    sums->last_wait *= by;
    sums->last_square *= by;
}

/* j are with the workers and m = threads − j elsewhere, as weights of a product form. */
static struct sums add_up(const struct station *s)
{
    double load = fmax(s->rate * s->work_s, LEAST_S), away = s->rate * s->delay_s;
    double step = s->work_s / (double)s->servers;
    double a = 1, d = 1, d_less = 0, below = 0; /* below: of fewer than m elsewhere */
    int a_exponent = 0, d_exponent = 0;
    struct sums sums = {0};
    for (int64_t j = s->threads, m = 0; j >= 0; j--, m++) {
        int exponent = a_exponent + d_exponent;
        for (; exponent > sums.exponent; sums.exponent++)
            scale_sums(&sums, 1 / SCALE);
        double share = exponent == sums.exponent       ? a
                       : exponent == sums.exponent - 1 ? a / SCALE
                                                       : 0;
        double i = fmax(0, (double)(j - s->servers + 1));
        double wait = i * step, square = i * (i + 1) * step * step;
        sums.full += share * d;
        sums.one_less += share * d_less;
        sums.come += share * below;
        sums.come_wait += share * below * wait;
        sums.come_square += share * below * square;
        sums.last_wait += share * d_less * wait;
        sums.last_square += share * d_less * square;
        below += d;
        d_less = d;
        d *= away / (double)(m + 1);
        for (; below > SCALE || d > SCALE; d_exponent++)
            below /= SCALE, d /= SCALE, d_less /= SCALE;
        a *= (double)(j < s->servers ? j : s->servers) / load;
        for (; a > SCALE; a_exponent++)
            a /= SCALE;
        for (; a > 0 && a < 1 / SCALE; a_exponent--)
            a *= SCALE;
    }
    return sums;
}

static struct passage pass_easily(const struct station *s)
{
    struct simulation_queue queue = simulation_queue_unlimited(s->rate, s->work_s, s->servers);
    return (struct passage){.wait_s = queue.wait_s, .wait_square = queue.wait_square};
}

/* Up to `threads` in all it is the product form; beyond, the aggregate goes on at the pace it has
 * when full. */
static struct passage pass(const struct station *s)
{
    if (is_easy(s))
        return pass_easily(s);
    struct sums sums = add_up(s);
    if (sums.full <= 0 || sums.one_less <= 0) /* full once in 1e200 */
        return pass_easily(s);
    double ratio = sums.full / sums.one_less, pace = s->rate / ratio;
    double last_wait = sums.last_wait / sums.one_less;
    double last_square = sums.last_square / sums.one_less;
    double term = sums.full, waiting = 0, held = 0, held_square = 0;
    for (int64_t i = 1; i <= s->backlog && term > 0; i++) { /* who comes as the i-th to wait */
        waiting += term;
        held += term * (double)i / pace;
        held_square += term * (double)i * (double)(i + 1) / (pace * pace);
        term *= ratio;
        if (term > SCALE * SCALE) {
            scale_sums(&sums, 1 / SCALE);
            term /= SCALE;
            waiting /= SCALE;
            held /= SCALE;
            held_square /= SCALE;
        }
    }
    double let_in = sums.come + waiting;
    return (struct passage){.refused = term / (let_in + term),
                            .held_s = held / let_in,
                            .held_square = held_square / let_in,
                            .wait_s = (sums.come_wait + waiting * last_wait) / let_in,
                            .wait_square = (sums.come_square + waiting * last_square) / let_in};
}

static struct passage pass_unbound(const struct station *s)
{
    struct simulation_queue queue =
        simulation_queue_limited(s->rate, s->work_s, s->servers, PLACES);
    return (struct passage){
        .refused = queue.refused, .wait_s = queue.wait_s, .wait_square = queue.wait_square};
}

/* ---- between services ---- */

static double blend(double old, double new)
{
    return old + DAMPING * (new - old);
}

static int64_t workers(const struct simulation_mesh_service *s)
{
    int32_t left = s->servers - s->lost_servers;
    return left > 1 ? left : 1;
}

/* More of it the less memory is free; infinite when none is. */
static double collecting(const struct simulation_mesh_service *s)
{
    if (s->memory_limit_mib <= 0)
        return 1;
    double free_mib = s->memory_limit_mib - s->memory_used_mib;
    if (free_mib <= 0)
        return INFINITY;
    return 1 + fmin(COLLECT_MOST, s->collect * s->memory_used_mib / free_mib);
}

static double own_work_s(const struct simulation_mesh_service *s)
{
    return s->work_s * (1 + s->more_work) * fmin(1 + COLLECT_MOST, collecting(s));
}

struct way { /* a message from one host to another */
    double time_s, lost;
};

static struct way way_between(const struct simulation_mesh *mesh, int32_t from, int32_t to,
                              double kb)
{
    const struct simulation_mesh_host *a = &mesh->hosts[from], *b = &mesh->hosts[to];
    if (from == to)
        return (struct way){0};
    double time = a->latency_s + a->more_latency_s + b->latency_s + b->more_latency_s;
    double stays = (1 - a->loss) * (1 - b->loss);
    if (kb > 0) {
        stays *= (1 - a->out_lost) * (1 - b->in_lost);
        time += a->out_wait_s + b->in_wait_s;
        if (a->link_kb_per_s > 0)
            time += kb / a->link_kb_per_s;
        if (b->link_kb_per_s > 0)
            time += kb / b->link_kb_per_s;
    }
    return (struct way){time, 1 - stays};
}

/* Time and failure of one try, then of all tries. */
static void settle_call(const struct simulation_mesh *mesh, int32_t host,
                        struct simulation_mesh_call *call)
{
    const struct simulation_mesh_service *to = &mesh->services[call->to];
    struct way there = way_between(mesh, host, to->host, call->request_kb);
    struct way back = way_between(mesh, to->host, host, call->reply_kb);
    double lost = 1 - (1 - there.lost) * (1 - back.lost), hop = there.time_s + back.time_s;
    double patience = call->timeout_s > 0 ? call->timeout_s : INFINITY;
    struct simulation_cut cut = simulation_cut_at(to->latency_s, to->square, patience - hop);
    double noticed = call->timeout_s > 0 ? call->timeout_s : hop, quick = fmin(hop, patience);
    double wrong = to->refused < 1 ? (to->errors - to->refused) / (1 - to->refused) : 1;
    double good = (1 - lost) * (1 - to->refused) * (1 - cut.beyond) * (1 - fmax(0, wrong));
    double let_in = (1 - lost) * (1 - to->refused), refused = (1 - lost) * to->refused;
    double mean = lost * noticed + refused * quick + let_in * (quick + cut.mean);
    double square = lost * noticed * noticed + refused * quick * quick +
                    let_in * (quick * quick + 2 * quick * cut.mean + cut.square);
    double chance = 1, tries = 0, tries_square = 0;
    call->fails = fmin(1, fmax(0, 1 - good));
    for (int32_t n = 0; n <= call->retries && chance > 0; n++, chance *= call->fails) {
        tries += chance;
        tries_square += chance * (2 * n + 1);
    }
    call->tries = tries;
    call->mean_s = tries * mean;
    call->square = tries * (square - mean * mean) + tries_square * mean * mean;
}

/* Callers before their callees at once; the others are heard in the next round. */
static void settle_rates(struct simulation_mesh *mesh)
{
    for (int32_t h = 0; h < mesh->host_count; h++) {
        struct simulation_mesh_host *host = &mesh->hosts[h];
        host->out_per_s = host->in_per_s = host->out_kb_per_s = host->in_kb_per_s = 0;
    }
    for (int32_t i = 0; i < mesh->service_count; i++) {
        struct simulation_mesh_service *s = &mesh->services[i];
        s->rate_per_s = s->outside_per_s + s->again_per_s;
        s->again_per_s = 0;
    }
    for (int32_t i = 0; i < mesh->service_count; i++) {
        const struct simulation_mesh_service *from = &mesh->services[i];
        struct simulation_mesh_host *a = &mesh->hosts[from->host];
        for (int32_t k = 0; k < from->call_count; k++) {
            const struct simulation_mesh_call *call = &from->calls[k];
            struct simulation_mesh_service *to = &mesh->services[call->to];
            struct simulation_mesh_host *b = &mesh->hosts[to->host];
            double sent =
                from->rate_per_s * (1 - from->refused) * call->per_request * fmax(1, call->tries);
            double come =
                sent * (1 - way_between(mesh, from->host, to->host, call->request_kb).lost);
            *(call->to > i ? &to->rate_per_s : &to->again_per_s) += come;
            if (a == b)
                continue;
            a->out_per_s += call->request_kb > 0 ? sent : 0;
            b->in_per_s += call->request_kb > 0 ? sent : 0;
            a->out_kb_per_s += sent * call->request_kb;
            b->in_kb_per_s += sent * call->request_kb;
            b->out_per_s += call->reply_kb > 0 ? come : 0;
            a->in_per_s += call->reply_kb > 0 ? come : 0;
            b->out_kb_per_s += come * call->reply_kb;
            a->in_kb_per_s += come * call->reply_kb;
        }
    }
}

/* Others' messages are as large as ours and stand in the same queue. */
static double settle_line(const struct simulation_mesh_host *host, double rate, double kb_per_s,
                          double *wait_s, double *lost)
{
    double pace = host->link_kb_per_s;
    if (pace <= 0 || rate <= 0) {
        *wait_s = *lost = 0;
        return pace > 0 ? fmin(1, host->link_used) : 0;
    }
    double work = kb_per_s / rate / pace, all = rate + host->link_used / work;
    struct simulation_queue queue = simulation_queue_limited(all, work, 1, host->link_messages);
    *wait_s = blend(*wait_s, queue.wait_s);
    *lost = blend(*lost, queue.refused);
    return all * (1 - queue.refused) * work;
}

static void settle_hosts(struct simulation_mesh *mesh)
{
    for (int32_t h = 0; h < mesh->host_count; h++) {
        struct simulation_mesh_host *host = &mesh->hosts[h];
        host->out_use = settle_line(host, host->out_per_s, host->out_kb_per_s, &host->out_wait_s,
                                    &host->out_lost);
        host->in_use =
            settle_line(host, host->in_per_s, host->in_kb_per_s, &host->in_wait_s, &host->in_lost);
        host->cpu = 0;
        host->busy_most = 0;
        host->others = host->other_cores;
    }
    for (int32_t i = 0; i < mesh->service_count; i++) {
        struct simulation_mesh_service *s = &mesh->services[i];
        struct simulation_mesh_host *host = &mesh->hosts[s->host];
        s->cpu = fmin(s->rate_per_s * (1 - s->refused) * own_work_s(s), (double)workers(s));
        host->cpu += s->cpu;
        host->busy_most += (double)workers(s);
        host->others += s->burn;
    }
    for (int32_t h = 0; h < mesh->host_count; h++) {
        struct simulation_mesh_host *host = &mesh->hosts[h];
        double slowdown =
            simulation_sharing(host->cpu, host->cores, (int64_t)host->busy_most, host->others);
        host->slowdown = host->slowdown > 0 ? blend(host->slowdown, slowdown) : slowdown;
        host->cpu = fmin(1, (host->cpu + host->others) / host->cores);
    }
    for (int32_t i = 0; i < mesh->service_count; i++)
        mesh->services[i].cpu += mesh->services[i].burn;
}

static double settle_service(struct simulation_mesh *mesh, struct simulation_mesh_service *s)
{
    double below = 0, variance = s->delay_s * s->delay_s, good = 1 - s->own_errors;
    for (int32_t k = 0; k < s->call_count; k++) {
        struct simulation_mesh_call *call = &s->calls[k];
        settle_call(mesh, s->host, call);
        double part = call->per_request - floor(call->per_request), mean = call->mean_s;
        double failed = pow(call->fails, call->retries + 1);
        below += call->per_request * mean;
        variance +=
            call->per_request * (call->square - mean * mean) + part * (1 - part) * mean * mean;
        if (call->critical)
            good *= call->per_request <= 1 ? 1 - call->per_request * failed
                                           : pow(1 - failed, call->per_request);
    }
    if (isinf(collecting(s)))
        good = 0;
    double work = own_work_s(s) * mesh->hosts[s->host].slowdown;
    struct station station = {s->rate_per_s, work,       s->delay_s + below,
                              workers(s),    s->threads, s->backlog};
    struct passage p = s->threads ? pass(&station) : pass_unbound(&station);
    double latency = p.held_s + p.wait_s + work + s->delay_s + below;
    variance += work * work + fmax(0, p.held_square - p.held_s * p.held_s) +
                fmax(0, p.wait_square - p.wait_s * p.wait_s);
    double errors = 1 - (1 - p.refused) * good;
    double change =
        fmax(fabs(latency - s->latency_s) / fmax(latency, LEAST_S), fabs(errors - s->errors));
    s->latency_s = blend(s->latency_s, latency);
    s->square = blend(s->square, latency * latency + variance);
    s->refused = blend(s->refused, p.refused);
    s->errors = blend(s->errors, errors);
    s->present = s->rate_per_s * (1 - s->refused) * s->latency_s;
    s->memory_used_mib = s->memory_mib + s->leaked_mib + s->memory_per_request_mib * s->present;
    return change;
}

double simulation_mesh_settle(struct simulation_mesh *mesh, int rounds)
{
    double change = 0;
    for (int round = 0; round < rounds; round++) {
        change = 0;
        settle_rates(mesh);
        settle_hosts(mesh);
        for (int32_t i = mesh->service_count; i > 0; i--)
            change = fmax(change, settle_service(mesh, &mesh->services[i - 1]));
    }
    return change;
}
