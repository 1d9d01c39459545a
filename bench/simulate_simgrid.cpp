/* simulate_simgrid.cpp - the tasks of `swan bench simulate --dump FILE` played by SimGrid
 * (LGPL-2.1; Casanova et al. 2014), to measure Swan's simulation beside it.  No part of Swan: built
 * and run by bench/simulate_beside.py.
 *
 * The same hosts, switches, lines, tasks, work and sizes.  One actor a host takes its tasks one
 * after the other from its mailbox, so hosts are first come first served as Swan's are.  What is
 * not the same: SimGrid's lines share their bandwidth among what is on them (max-min, CM02), a
 * message is on all its lines at once; Swan's lines send one message after the other, from place to
 * place.
 *
 *     simulate-simgrid FILE
 *
 * Prints seconds, memory, the mean answer of both and how far they are apart, as JSON.  (Chains of
 * activities instead of actors were tried: started beforehand, they took minutes.) */
#include <chrono>
#include <cmath>
#include <cstdio>
#include <simgrid/s4u.hpp>
#include <sys/resource.h>
#include <vector>

namespace sg4 = simgrid::s4u;

struct task {
    double at, work, request_kb, reply_kb, swan, answered;
    int host;
};

static std::vector<double> latencies;
static std::vector<task> tasks;
static std::vector<sg4::Host *> hosts;
static sg4::Host *gateway;
static int host_count;

static bool read_tasks(const char *path)
{
    int switches, count;
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%d %d %d", &host_count, &switches, &count) != 3)
        return false;
    latencies.resize(switches);
    tasks.resize(count);
    for (double &latency : latencies)
        if (fscanf(file, "%lf", &latency) != 1)
            return false;
    for (task &t : tasks)
        if (fscanf(file, "%lf %d %lf %lf %lf %lf", &t.at, &t.host, &t.work, &t.request_kb,
                   &t.reply_kb, &t.swan) != 6)
            return false;
    fclose(file);
    return true;
}

/* 1 flop of work a second; switches 10 Gbit/s, hosts 1 Gbit/s and 0.1 ms. */
static void build()
{
    auto *zone = sg4::create_star_zone("fleet");
    gateway = zone->create_host("gateway", 1.0);
    const auto *own = zone->create_link("gateway", 1e15)
                          ->set_sharing_policy(sg4::Link::SharingPolicy::FATPIPE)
                          ->seal();
    zone->add_route(gateway->get_netpoint(), nullptr, nullptr, nullptr, {sg4::LinkInRoute(own)},
                    true);
    std::vector<sg4::SplitDuplexLink *> trunks;
    for (size_t i = 0; i < latencies.size(); i++) {
        auto *trunk = zone->create_split_duplex_link("trunk-" + std::to_string(i), 1.25e9);
        trunk->set_latency(latencies[i])->seal();
        trunks.push_back(trunk);
    }
    for (int i = 0; i < host_count; i++) {
        auto *host = zone->create_host(std::to_string(i), 1.0);
        auto *line = zone->create_split_duplex_link("line-" + std::to_string(i), 1.25e8);
        line->set_latency(1e-4)->seal();
        zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr,
                        {{line, sg4::LinkInRoute::Direction::UP},
                         {trunks[i % trunks.size()], sg4::LinkInRoute::Direction::UP}},
                        true);
        hosts.push_back(host);
    }
    zone->seal();
}

static void serve(sg4::Mailbox *inbox, sg4::Mailbox *done)
{
    for (;;) {
        auto *t = inbox->get<task>();
        sg4::this_actor::execute(t->work);
        done->put_init(t, static_cast<uint64_t>(t->reply_kb * 1000))->detach();
    }
}

static void ask()
{
    for (task &t : tasks) {
        sg4::this_actor::sleep_until(t.at);
        sg4::Mailbox::by_name(std::to_string(t.host))
            ->put_init(&t, static_cast<uint64_t>(t.request_kb * 1000))
            ->detach();
    }
}

static void collect(sg4::Mailbox *done)
{
    for (size_t i = 0; i < tasks.size(); i++) {
        auto *t = done->get<task>();
        t->answered = sg4::Engine::get_clock();
    }
}

static void play()
{
    auto *done = sg4::Mailbox::by_name("done");
    for (int i = 0; i < host_count; i++) {
        auto *inbox = sg4::Mailbox::by_name(std::to_string(i));
        auto actor = sg4::Actor::create("host", hosts[i], serve, inbox, done);
        actor->daemonize();
        inbox->set_receiver(actor); /* messages set out at once, whether or not it is busy */
    }
    sg4::Actor::create("ask", gateway, ask);
    done->set_receiver(sg4::Actor::create("collect", gateway, collect, done));
}

int main(int argc, char **argv)
{
    sg4::Engine engine(&argc, argv);
    sg4::Engine::set_config("network/model:CM02");
    sg4::Engine::set_config("network/crosstraffic:0");
    sg4::Engine::set_config("network/TCP-gamma:0");
    sg4::Engine::set_config("contexts/stack-size:64");
    if (argc < 2 || !read_tasks(argv[1])) {
        fprintf(stderr, "usage: simulate-simgrid FILE\n");
        return 2;
    }
    auto begin = std::chrono::steady_clock::now();
    build();
    play();
    engine.run();
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    double sum = 0, swan = 0, differ = 0, most = 0;
    size_t near = 0;
    for (const task &t : tasks) {
        double response = t.answered - t.at, difference = std::fabs(response - t.swan);
        sum += response;
        swan += t.swan;
        differ += difference;
        most = std::fmax(most, difference);
        near += difference < 0.005;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double n = static_cast<double>(tasks.size());
    printf("{\"tasks\": %zu, \"seconds\": %.3f, \"memory_mb\": %.0f, \"mean_s\": %.9g, "
           "\"swan_mean_s\": %.9g, \"mean_difference_s\": %.3g, \"largest_difference_s\": %.3g, "
           "\"within_5_ms\": %.6f}\n",
           tasks.size(), seconds, static_cast<double>(usage.ru_maxrss) / 1000, sum / n, swan / n,
           differ / n, most, static_cast<double>(near) / n);
    return 0;
}
