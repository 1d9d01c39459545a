/* words.c - codes and sentences of the API in the reader's language.
 *
 * Contract: a code that has no word here is shown as it is: a newer server's code is better than
 * none.  Sentences of engines and server come in English; those whose shape is listed are printed
 * again from their translated pattern, {1} … {9} standing for what varies.  Others stay English.
 * Refusals of input have a list of their own in refusals.c. */
#include <string.h>

#include "base/str.h"
#include "cli/cli_priv.h"

struct word {
    const char *group, *code, *text;
};

static const struct word words[] = {
    {"tier", "public-cloud", N_("public cloud")},
    {"tier", "private-cloud", N_("private cloud")},
    {"tier", "edge", N_("edge")},
    {"tier", "device", N_("device")},
    {"tier", "supercomputing", N_("supercomputing")},
    {"tier", "intelligent-computing", N_("intelligent computing")},
    {"form", "container", N_("container")},
    {"form", "package", N_("package")},
    {"form", "vm-image", N_("VM image")},
    {"form", "function", N_("function")},
    {"form", "server", N_("server")},
    {"mode", "active-standby", N_("active-standby")},
    {"mode", "active-active", N_("active-active")},
    {"mode", "multi-site", N_("multi-site")},
    {"period", "hour", N_("hour")},
    {"period", "month", N_("month")},
    {"period", "year", N_("year")},
    {"period", "once", N_("once")},
    {"objective", "cost", N_("cost")},
    {"objective", "latency", N_("latency")},
    {"objective", "reliability", N_("reliability")},
    {"objective", "green", N_("green")},
    {"objective", "balanced", N_("balanced")},
    {"scenario", "video-analytics", N_("video analytics")},
    {"scenario", "industrial-vision", N_("industrial vision")},
    {"scenario", "iot-collection", N_("IoT collection")},
    {"scenario", "web-application", N_("web application")},
    {"scenario", "database", N_("database")},
    {"scenario", "big-data", N_("big data")},
    {"scenario", "ai-training", N_("AI training")},
    {"scenario", "llm-inference", N_("LLM inference")},
    {"scenario", "hpc-batch", N_("high-performance batch computing")},
    {"scenario", "cloud-rendering", N_("cloud rendering")},
    {"scenario", "cloud-gaming", N_("cloud gaming")},
    {"scenario", "v2x", N_("vehicle to everything")},
    {"scenario", "telemedicine", N_("telemedicine")},
    {"scenario", "cdn", N_("content delivery")},
    {"scenario", "sme-digitalisation", N_("digitalisation of small firms")},
    {"scenario", "other", N_("other")},
    {"access", "5g-private", N_("private 5G")},
    {"access", "industrial-ethernet", N_("industrial Ethernet")},
    {"access", "ethernet", N_("Ethernet")},
    {"access", "optical", N_("optical")},
    {"access", "dedicated-line", N_("dedicated line")},
    {"diagnosis", "confirmed", N_("confirmed")},
    {"diagnosis", "likely", N_("likely")},
    {"diagnosis", "inconclusive", N_("inconclusive")},
    {"verdict", "pass", N_("pass")},
    {"verdict", "fail", N_("fail")},
    {"verdict", "unknown", N_("unknown")},
    {"dimension", "compute", N_("compute")},
    {"dimension", "network", N_("network")},
    {"dimension", "application", N_("application")},
    {"dimension", "cost", N_("cost")},
    {"dimension", "business", N_("business")},
    {"basis", "list", N_("list price")},
    {"basis", "contract", N_("contract")},
    {"basis", "estimated", N_("estimated")},
    {"basis", "reconciled", N_("reconciled")},
    {"basis", "unknown", N_("unknown basis")},
    {"item", "vcpu", N_("vCPU")},
    {"item", "memory", N_("memory")},
    {"item", "flavor", N_("flavor")},
    {"item", "accelerator", N_("accelerator")},
    {"item", "disk", N_("disk")},
    {"item", "bandwidth", N_("bandwidth")},
    {"item", "link", N_("link")},
    {"item", "public_ip", N_("public IP")},
    {"task", "artefact.deliver", N_("deliver artefact")},
    {"task", "server.open", N_("open server")},
    {"task", "bandwidth.open", N_("open bandwidth")},
    {"task", "address.open", N_("open public IP")},
    {"task", "instance.start", N_("start")},
    {"task", "instance.check", N_("check")},
    {"part", "artefact.deliver", N_("artefact")},
    {"part", "server.open", N_("server")},
    {"part", "bandwidth.open", N_("bandwidth")},
    {"part", "address.open", N_("public IP")},
    {"part", "instance.start", N_("instance")},
    {"phase", "before", N_("before")},
    {"phase", "during", N_("during")},
    {"phase", "after", N_("after")},
    {"simulation", "down", N_("down")},
    {"simulation", "lossy", N_("losing requests")},
    {"simulation", "slower", N_("slower")},
    {"simulation", "busier", N_("busier")},
    {"simulation", "same", N_("as usual")},
    {"purpose", "open", N_("open")},
    {"purpose", "remove", N_("remove")},
    {"state", "queued", N_("queued")},
    {"state", "running", N_("running")},
    {"state", "undoing", N_("undoing")},
    {"state", "succeeded", N_("succeeded")},
    {"state", "failed", N_("failed")},
    {"state", "partly", N_("partly undone")},
    {"state", "cancelled", N_("cancelled")},
    {"state", "waiting", N_("waiting")},
    {"state", "eligible", N_("ready to start")},
    {"state", "doing", N_("doing")},
    {"state", "verifying", N_("verifying")},
    {"state", "undone", N_("undone")},
    {"state", "skipped", N_("skipped")},
    {"state", "opening", N_("opening")},
    {"state", "up", N_("up")},
    {"state", "degraded", N_("degraded")},
    {"state", "down", N_("down")},
    {"state", "removing", N_("removing")},
    {"state", "removed", N_("removed")},
    {"state", "unknown", N_("unknown")},
    {"state", "unreachable", N_("unreachable")},
    {"state", "dead", N_("dead")},
    {"state", "draft", N_("draft")},
    {"state", "submitted", N_("submitted")},
    {"state", "approved", N_("approved")},
    {"state", "published", N_("published")},
    {"state", "retired", N_("retired")},
    {"state", "confirmed", N_("confirmed")},
    {"state", "planned", N_("planned")},
    {"state", "open", N_("open")},
    {"state", "closed", N_("closed")},
    {"state", "designed", N_("designed")},
    {"state", "chosen", N_("chosen")},
    {"state", "ordered", N_("ordered")},
    {"state", "lapsed", N_("lapsed")},
    {"figure", "cost", N_("cost a month")},
    {"figure", "latency", N_("latency, all flows")},
    {"figure", "reliability", N_("availability")},
    {"figure", "green", N_("green")},
    {"figure", "opening", N_("opening time")},
    {"change", "added", N_("added")},
    {"change", "removed", N_("removed")},
    {"change", "moved", N_("moved")},
    {"change", "resized", N_("resized")},
    {"state", "ready", N_("ready")},
    {"state", "applied", N_("applied")},
    {"role", "viewer", N_("viewer")},
    {"role", "customer", N_("customer")},
    {"role", "operator", N_("operator")},
    {"role", "admin", N_("admin")},
    {"layer", "physical", N_("physical")},
    {"layer", "virtual", N_("virtual")},
    {"layer", "application", N_("application")},
    {"layer", "business", N_("business")},
    {"kind", "site", N_("site")},
    {"kind", "region", N_("region")},
    {"kind", "host", N_("host")},
    {"kind", "service", N_("service")},
    {"kind", "server", N_("server")},
    {"kind", "address", N_("public IP")},
    {"kind", "bandwidth", N_("bandwidth")},
    {"kind", "instance", N_("instance")},
    {"kind", "application", N_("application")},
    {"kind", "deployment", N_("deployment")},
    {"kind", "requirement", N_("requirement")},
    {"kind", "solution", N_("solution")},
    {"kind", "order", N_("order")},
    {"kind", "plan", N_("plan")},
    {"kind", "run", N_("run")},
    {"kind", "connection", N_("connection")},
    {"kind", "user", N_("user")},
    {"kind", "tenant", N_("tenant")},
    {"kind", "token", N_("token")},
    {"kind", "collection", N_("collection")},
    {"origin", "declared", N_("declared")},
    {"origin", "observed", N_("observed")},
    {"origin", "inferred", N_("inferred")},
    {"relation", "hosts", N_("hosts")},
    {"relation", "runs-on", N_("runs on")},
    {"relation", "connects", N_("connects")},
    {"relation", "calls", N_("calls")},
    {"relation", "depends-on", N_("depends on")},
    {"relation", "serves", N_("serves")},
    {"relation", "part-of", N_("is part of")},
    {"life", "began", N_("began")},
    {"life", "ended", N_("ended")},
    {"life", "state", N_("state")},
    {"change", "appeared", N_("appeared")},
    {"change", "ended", N_("ended")},
    {"change", "changed", N_("changed")},
    {"question", "missing", N_("missing")},
    {"question", "contradiction", N_("contradiction")},
    {"question", "ambiguous", N_("ambiguous")},
    /* reasons of rejection and codes of checks */
    {"reason", "tier", N_("tier")},
    {"reason", "location", N_("location")},
    {"reason", "arch", N_("architecture")},
    {"reason", "accelerator", N_("accelerator")},
    {"reason", "protection_level", N_("protection level")},
    {"reason", "residency", N_("data residency")},
    {"reason", "flavor", N_("no flavor is large enough")},
    {"reason", "form", N_("cannot open this form")},
    {"reason", "capacity.vcpus", N_("free vCPUs")},
    {"reason", "capacity.memory_gib", N_("free memory")},
    {"reason", "capacity.disk_gib", N_("free disk")},
    {"reason", "capacity.accelerators", N_("free accelerators")},
    {"reason", "capacity", N_("capacity")},
    {"reason", "latency", N_("latency")},
    {"reason", "bandwidth", N_("bandwidth")},
    {"reason", "budget", N_("budget")},
    {"reason", "availability", N_("availability")},
    {"reason", "distinct_sites", N_("different sites")},
    {"reason", "mode", N_("sites of the reliability mode")},
    {"reason", "instances", N_("instances")},
    {"reason", "replicas", N_("replicas")},
    {"reason", "placement", N_("placement")},
    {"reason", "site", N_("site")},
    {"reason", "component", N_("component")},
    {"reason", "connectivity", N_("connection between them")},
    {"reason", "availability_percent", N_("availability")},
    {"reason", "dominated", N_("another is better in everything")},
    {"reason", "cost", N_("cost")},
    {"reason", "price.basis", N_("basis of prices")},
    {"reason", "price.age", N_("age of prices")},
    {"reason", "response_time", N_("response time")},
    {"reason", "access", N_("access network")},
    {"reason", "application", N_("application")},
    {"reason", "application.form", N_("form of the application")},
    {"reason", "application.arch", N_("architecture of the application")},
    {"reason", "needs.vcpus", N_("vCPUs that the application needs")},
    {"reason", "needs.memory_gib", N_("memory that the application needs")},
    {"reason", "needs.disk_gib", N_("disk that the application needs")},
    {"reason", "needs.accelerator", N_("accelerator that the application needs")},
    {"reason", "dependency", N_("dependency")},
    {"reason", "dependency.versions", N_("versions that go together")},
    {"reason", "interface", N_("open interface")},
    {"reason", "jitter", N_("jitter usual for the scenario")},
    {"reason", "loss", N_("packet loss usual for the scenario")},
    {"reason", "response.network", N_("network's part of the response time")},
    {"reason", "response.compute", N_("computing's part of the response time")},
    {"reason", "response.queueing", N_("queueing's part of the response time")},
    {"reason", "access.latency", N_("latency of the access technology")},
    {"reason", "access.bandwidth", N_("bandwidth of the access technology")},
    {"reason", "access.jitter", N_("jitter of the access technology")},
    {"reason", "access.loss", N_("packet loss of the access technology")},
    {"reason", "cost.sensitivity", N_("sensitivity to prices")},
    {"reason", "scenario.bandwidth", N_("bandwidth usual for the scenario")},
    {"reason", "scenario.protection_level", N_("protection level usual for the scenario")},
    {"reason", "scenario.tier", N_("kind of site usual for the scenario")},
    {"reason", "cases", N_("similar past cases")},
    {"reason", "opening", N_("can be opened")},
    {"reason", "pin", N_("pinned to another site")},
    {"reason", "excluded", N_("excluded")},
    {"reason", "scenario.latency", N_("latency usual for the scenario")},
    {"reason", "scenario.availability", N_("availability usual for the scenario")},
    {"reason", "backup", N_("backup")},
    {"reason", "encryption", N_("encryption")},
    {"reason", "throughput", N_("throughput")},
    {"reason", "concurrent_users", N_("concurrent users")},
    {"reason", "catalogue_only", N_("catalogue only: cannot be opened")},
    {"price", "vcpu_hour", N_("vCPU per hour")},
    {"price", "memory_gib_hour", N_("memory per hour")},
    {"price", "disk_gib_month", N_("disk per month")},
    {"price", "bandwidth_mbps_month", N_("bandwidth per month")},
    {"price", "public_ip_month", N_("public IP per month")},
    {"price", "accelerator_hour", N_("accelerator per hour")},
    {"unit", "1/s", N_("a second")},
    {"unit", "level", N_("level")},
    {"unit", "instance", N_("instances")},
    {"unit", "card", N_("cards")},
    {"unit", "day", N_("days")},
    {"unit", "address", N_("addresses")},
    {"unit", "CNY/month", N_("CNY/month")},
    {"subject", "service", N_("whole service")},
    /* fields of a requirement */
    {"field", "scenario", N_("scenario")},
    {"field", "name", N_("name")},
    {"field", "form", N_("form")},
    {"field", "instances", N_("instances")},
    {"field", "vcpus", N_("vCPUs each")},
    {"field", "memory_gib", N_("memory each")},
    {"field", "disk_gib", N_("disk each")},
    {"field", "arch", N_("architecture")},
    {"field", "kind", N_("kind")},
    {"field", "model", N_("model")},
    {"field", "count", N_("count")},
    {"field", "accelerator", N_("accelerator")},
    {"field", "tier", N_("tier")},
    {"field", "location", N_("location")},
    {"field", "bandwidth_mbps", N_("bandwidth")},
    {"field", "public_ips", N_("public IPs")},
    {"field", "max_latency_ms", N_("latency at most")},
    {"field", "access", N_("access network")},
    {"field", "max_response_ms", N_("response time at most")},
    {"field", "availability_percent", N_("availability at least")},
    {"field", "throughput_per_s", N_("throughput")},
    {"field", "concurrent_users", N_("concurrent users")},
    {"field", "replicas", N_("replicas")},
    {"field", "mode", N_("reliability mode")},
    {"field", "backup", N_("backup")},
    {"field", "data_residency", N_("data residency")},
    {"field", "protection_level", N_("protection level")},
    {"field", "encryption", N_("encryption")},
    {"field", "budget", N_("budget at most")},
    {"field", "amount", N_("budget at most")},
    {"field", "currency", N_("currency")},
    {"field", "period", N_("budget period")},
    {"field", "duration_days", N_("duration")},
    {"field", "user_location", N_("where users are")},
    {"field", "objective", N_("prefer")},
    {"field", "from", N_("from")},
    {"field", "to", N_("to")},
    {"field", "flows", N_("flow")},
    {"field", "components", N_("component")},
    /* errors */
    {"error", "invalid", N_("invalid input")},
    {"error", "usage", N_("command not understood")},
    {"error", "unauthenticated", N_("not signed in")},
    {"error", "forbidden", N_("not allowed")},
    {"error", "not-found", N_("not found")},
    {"error", "method", N_("method not allowed")},
    {"error", "conflict", N_("conflict")},
    {"error", "precondition", N_("it has changed meanwhile")},
    {"error", "too-large", N_("too large")},
    {"error", "unsupported", N_("not supported")},
    {"error", "infeasible", N_("infeasible")},
    {"error", "policy", N_("forbidden by policy")},
    {"error", "quota", N_("quota exceeded")},
    {"error", "capacity", N_("not enough capacity")},
    {"error", "credential", N_("credential refused")},
    {"error", "balance", N_("balance too low")},
    {"error", "rate", N_("too many requests")},
    {"error", "transient", N_("temporarily unavailable")},
    {"error", "timeout", N_("timed out")},
    {"error", "cancelled", N_("cancelled")},
    {"error", "partial", N_("partly done")},
    {"error", "io", N_("input or output failed")},
    {"error", "corrupt", N_("stored data is corrupt")},
    {"error", "bug", N_("internal error")},
};

const char *cli_word(const char *group, const char *code)
{
    if (!code)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(words[i].code, code) && str_eq(words[i].group, group))
            return _(words[i].text);
    return code;
}

/* ---- sentences ---- */

static const char *const sentences[] = {
    N_("less than {1}"),
    /* hidden dangers */
    N_("the network file declares no shared risk: what fails together is guessed or unknown"),
    N_("groups of one place, ends, owner or region are guesses: the network file does not say that "
       "they fail together"),
    N_("services that hold after a failure only if links of unknown bandwidth have room: {1}"),
    N_("latency of {1}"),
    N_("whether it grows: the interval of the slope holds 0"),
    N_("when it ends: a history of {1} days does not tell of {2}"),
    N_("the history has too few times: {1} of {2}"),
    N_("histories too short for a trend, of fewer than {1} times: {2}"),
    N_("histories of what has no known capacity: {1}"),
    N_("nothing that was tried removes it"),
    N_("users are at it: no link and no site removes it"),
    N_("not worked out: the tries were too many"),
    N_("longer ways are told, not mended"),
    N_("where an instance may go is unknown without the requirement"),
    N_("which links are shortest is unknown: coordinates are missing, or there are too many nodes"),
    N_("there is no access point: what users reach is unknown"),
    N_("sites that no access point reaches now: {1}"),
    N_("services that do not hold even with nothing failed, and are blamed on no failure: {1}"),
    N_("pairs: only sites that neither failure darkens alone are counted"),
    N_("histories of the usage file that are of nothing in the network: {1}"),
    /* assumptions */
    N_("users are at {1} too: no other place of theirs was said"),
    N_("{1} takes {2} vCPU, the least that {3} needs"),
    N_("{1} takes {2} GiB of memory, the least that {3} needs"),
    N_("{1} takes {2} GiB of disk, the least that {3} needs"),
    N_("no user location is stated: users are taken to be at the farthest access point"),
    N_("the budget was not compared: it is in another currency, or paid once for an unstated "
       "duration"),
    N_("at least one site is catalogue only and cannot be opened from here"),
    N_("a month has 730 hours; room is held for the first candidate, or the one that is chosen"),
    N_("a month has 730 hours; free capacity is what the network states, with no reservation made"),
    N_("{1}: instances are not stated: {2} each"),
    N_("{1}: vcpus are not stated: none are counted"),
    N_("{1}: memory is not stated: none is counted"),
    N_("{1}: disk is not stated: none is counted"),
    N_("{1}: no architecture is stated: any will do"),
    N_("no flow from the user is stated: the network's latency and bandwidth are those from the "
       "user to {1}"),
    N_("sites left out for {1} because {2} is not known there: {3}"),
    N_("prices of no stated basis, taken as the network states them: {1} of {2}"),
    N_("sites fail independently of each other"),
    N_("traffic takes the path of least latency, at the latency stated for an idle link; a link "
       "with no price costs nothing"),
    N_("public addresses are those of the first component's instance 0"),
    N_("opening takes what the test sites took at most, all placements side by side: delivery 1 s "
       "and its size over the site's link (at most 100 Mbit/s), start 3 s (virtual machine 7 s, "
       "server 10 s), check 2 s"),
    N_("applications of unknown size, whose transfer is not in the opening time: {1}"),
    N_("pin {1}, as asked"),
    N_("exclude {1}, as asked"),
    N_("designed together with {1} other needs, which take their share of sites and links"),
    /* evidence */
    N_("sum of the cost lines"),
    N_("what is known of it: some prices are unknown"),
    N_("share of the cost whose prices have no source"),
    N_("older than the limit: confidence in the cost is halved"),
    N_("the oldest price used"),
    N_("there and back over all flows; the margin is what computing and queueing may take, of "
       "which there is no measurement"),
    N_("no flow is stated, so the network's part is not known"),
    N_("type of the first link of the path"),
    N_("no flow comes from the user"),
    N_("simulated: nothing real would be opened"),
    N_("a connection opens this form"),
    N_("none of the site's connections opens this form"),
    N_("catalogue only: no provider opens anything here"),
    N_("by the name of the site's provider alone"),
    N_("no connection to this site is known"),
    N_("a bare server needs no application"),
    N_("no published application is known for it"),
    N_("below what is usual; the customer states no bound, so it is advice"),
    N_("sum of the stated jitters of its links, the most that it can be"),
    N_("what the stated losses of its links leave"),
    N_("these links state no jitter"),
    N_("these links state no loss"),
    /* xgettext:no-c-format */
    N_("the network's part, one way: {1} % of the bound"),
    /* xgettext:no-c-format */
    N_("of the {1} ms that the network leaves, at {2} % utilisation (M/M/1)"),
    N_("of the {1} ms that the network leaves, at {2} requests a second for each of {3} instances "
       "(M/M/1)"),
    N_("another link of the access point has that type, the path's first has not"),
    N_("no link of the access point has that type"),
    N_("even its best is usually not enough; ask for a measurement or another technology"),
    N_("within what is usual for it: the line decides"),
    /* xgettext:no-c-format */
    N_("{1} % of the cost; 10 % more or less moves the total by {2}"),
    /* xgettext:no-c-format */
    N_("the budget holds when any one price rises by 10 %"),
    /* xgettext:no-c-format */
    N_("the budget breaks when one of {1} prices rises by 10 %"),
    /* xgettext:no-c-format */
    N_("the budget would hold when one of {1} prices fell by 10 %"),
    /* xgettext:no-c-format */
    N_("the budget does not hold even when any one price falls by 10 %"),
    N_("the budget would not hold if the largest price were nothing"),
    N_("break-even of the largest price: {1}, now {2}"),
    N_("one version of each that all can use"),
    N_("nothing of that name is known"),
    N_("the range of versions cannot be understood"),
    N_("too many combinations of versions: not settled"),
    N_("needs {1}, of which too little is known"),
    N_("there is: {1}"),
    N_("no published version"),
    N_("no open interface"),
    N_("what it wants is offered"),
    N_("it is offered, in a version that nobody states"),
    N_("no published application is known for what may offer it"),
    N_("nothing in the solution offers it"),
    N_("similar cases that opened"),
    N_("no past case is known"),
    N_("none of {1} known cases is similar"),
    N_("similarity {1}, simulated: not opened; {2}"),
    N_("similarity {1}, simulated: opened; {2}"),
    N_("similarity {1}: not opened; {2}"),
    N_("similarity {1}: opened; {2}"),
    N_("similarity {1}, simulated: not opened"),
    N_("similarity {1}, simulated: opened"),
    N_("similarity {1}: not opened"),
    N_("similarity {1}: opened"),
    N_("instances placed"),
    N_("no site says whether it keeps backups"),
    N_("no site or link says whether it encrypts"),
    N_("no measurement of the application at this size"),
    N_("at least one site is catalogue only: it can be designed for, not opened"),
    N_("the network states no such price"),
    N_("as the network states it"),
    N_("the network does not state it"),
    N_("capacity less what is allocated"),
    N_("no chain of links joins them"),
    N_("least-latency path over links"),
    N_("sum of the stated latencies of its links, one way"),
    N_("bandwidth less what is used"),
    N_("product over components of what their distinct sites leave up"),
    N_("a budget paid once needs a duration"),
    N_("the network's prices are in another currency"),
    N_("a basis for each price"),
    N_("a provider at each site"),
    N_("a path"),
    N_("network {1} + compute unknown"),
    N_("network {1} + compute {2} + queueing unknown"),
    N_("network {1} + compute {2} + queueing {3}"),
    N_("the network there and back over all flows; computing as measured, queueing as it follows "
       "from that (M/M/1)"),
    N_("more requests arrive than are served"),
    N_("measured of one instance"),
    N_("{1} links"),
    /* notes of what was opened, usual needs of scenarios, sources of prices */
    N_("opened and verified"),
    N_("a task ended there"),
    N_("not there any more"),
    N_("removed"),
    N_("simulated: nothing was asked over a network"),
    N_("cpu limit not enforced by the engine"),
    N_("memory limit not enforced by the engine"),
    N_("disk size is not limited"),
    N_("limits not enforced: {1}"),
    N_("limits {1}"),
    N_("inference under 1 s leaves the network 10 ms"),
    N_("live quality inspection, industry tiers"),
    N_("collection within seconds, plant gateways"),
    N_("page within 1 to 2 s"),
    N_("between the nodes of a cluster"),
    N_("bulk data over a wide network, resumable"),
    N_("time to first token within 2 s"),
    N_("login; work is queued"),
    N_("round trip within 30 ms"),
    N_("air and edge together"),
    N_("consultation; surgery needs 20 ms and two paths"),
    N_("first byte within 200 ms"),
    N_("3GPP TS 22.186: 0.05 to 65 Mbit/s"),
    N_("3GPP TS 22.186: 10 to 100 ms end to end"),
    /* xgettext:no-c-format */
    N_("3GPP TS 22.186: 99.99 %"),
    N_("5 µs a kilometre and 20 to 100 µs a node"),
    N_("50 ms of 2 s, as interactive services usually have it"),
    N_("5G round trips of 18 to 25 ms to a nearby cloud"),
    N_("5QI 2, conversational video: 150 ms, loss 1e-3"),
    N_("5QI 84, intelligent transport: 30 ms, loss 1e-5"),
    N_("ERP; a MES needs 30 ms"),
    N_("URLLC 1 to 10 ms; industrial modules within 15 ms on line"),
    N_("Wi-Fi in a plant 50 ms; 5 to 30 ms is usual"),
    N_("a good line: below 50 ms, jitter within 5 ms"),
    N_("data for training: 10 to 100 Gbit/s"),
    N_("faces stay on site or in the city"),
    N_("felt within 80 ms: network 20 to 50, server 10 to 30, rendering 5 to 15 ms"),
    N_("home fibre round trips of 30 to 45 ms to a cloud"),
    /* xgettext:no-c-format */
    N_("loss at most 0.5 %"),
    N_("never above 300 ms, in a surgery report"),
    N_("one 5-megapixel camera: 50 to 200 Mbit/s up"),
    N_("one camera, 1080p H.265: 2 to 4 Mbit/s"),
    N_("one high-definition picture: 4 to 8 Mbit/s"),
    N_("one measuring point: 1 to 50 kbit/s"),
    N_("one seat at 1080p60: 15 Mbit/s"),
    N_("one session: at most 1 Mbit/s"),
    N_("one user of a business system: 50 kbit/s"),
    N_("one viewer: 2 to 8 Mbit/s"),
    N_("patient data: third level of classified protection"),
    N_("process images do not leave the plant"),
    N_("roadside and edge"),
    N_("stage-in of data: 1 to 10 Gbit/s"),
    N_("training sits in large central sites"),
    N_("usual figures of the technology"),
    N_("working default of the scenario"),
    N_("price book {1}, as if rented; tag D"),
    N_("price book {1}"),
    /* questions */
    N_("what is to run: an application, or how many machines of which size?"),
    N_("the text states this more than once, with different values"),
    N_("the text states more than one budget"),
    N_("how many cores and how much memory does one instance need?"),
    /* why a task waits */
    N_("after {1}"),
    N_("undone after {1}"),
    N_("no free worker"),
    N_("retry at {1}: {2}"),
    N_("retry at {1}"),
    N_("does not answer yet: {1}"),
    N_("does not answer yet"),
    N_("its server is gone; another takes it over"),
    N_("site {1} has {2} tasks under way, its most"),
    N_("cancelled on request"),
    N_("could not be removed: {1}"),
    N_("does not work after {1} s: {2}"),
    N_("see the log of the instance"),
    /* errors of server and engines */
    N_("no candidate of solution '{1}' is confirmed"),
    N_("confirm it first: swan solution confirm {1}"),
    N_("'{1}' is neither a component nor a field of a requirement"),
    N_("'{1}' is no field of {2}"),
    N_("did you mean '{1}'?"),
    N_("solution '{1}' has version {2} now, not {3}"),
    N_("another need took it meanwhile: design again"),
    N_("no {1} is named '{2}'"),
    N_("none of {1} sites can take '{2}', mostly for {3}"),
    N_("none of {1} sites can take '{2}'"),
    N_("no placement meets the requirement; these cannot hold together: {1}"),
    N_("no placement meets the requirement"),
    N_("possible with: {1}"),
    N_("stopped before a solution was found"),
    N_("user_location '{1}' is no access point of the network"),
    N_("name one of the network's access points, or leave it out for the farthest"),
    N_("a flow names '{1}', which is no component"),
    N_("two components are named '{1}'"),
    N_("the text is not valid UTF-8"),
    N_("the text has {1} bytes; a need is read from at most {2}"),
    N_("state the need in fewer words"),
    N_("the network has changed since: {1}"),
    N_("prices have changed since: {1} a month was approved, it is {2} now"),
    N_("applications or connections have changed since: {1}"),
    N_("look at the change, then make a new plan (or a new design)"),
    N_("the plan's digest is {1}"),
    N_("what is applied is the plan that was looked at: show it again"),
    N_("site '{1}' has no connection: it is catalogue only"),
    N_("site '{1}' is not in the network any more"),
    N_("site '{1}' is catalogue only: nobody can open things there"),
    N_("connect a provider to it, or open it on the simulator (simulate)"),
    N_("no connection of site '{1}' can open the form '{2}'"),
    N_("connect a provider that opens it to the site, or exclude the site"),
    N_("no provider is named '{1}'"),
    N_("no published application answers component '{1}'"),
    N_("publish one with `swan app publish PATH`, or ask for a bare server"),
    N_("site '{1}' has {2} left, {3} are wanted"),
    N_("deployment '{1}' is removed already"),
    N_("deployment '{1}' is {2} by run {3}"),
    N_("wait for that run, or cancel it: swan run cancel {1}"),
    N_("order '{1}' is {2} with plan {3}"),
    N_("an order is opened once, by its latest plan"),
    N_("plan '{1}' was applied by run {2}"),
    N_("run '{1}' has ended: {2}"),
    N_("to take away what it opened, delete its deployment"),
    N_("{1} exists with other content"),
    N_("a version does not change: give it a new number"),
    N_("{1} is {2}: {3} is not possible"),
    N_("possible now: {1}"),
    N_("the whole twin is for operators; ask for a deployment's: /api/v1/deployments/ID/twin"),
    N_("still starting, or stopping"),
    N_("call of {1} failed: {2}"),
    N_("cannot read '{1}': {2}"),
    N_("too many wrong passwords for '{1}'"),
    N_("wait a minute"),
    N_("'{1}' is the last admin and stays"),
    N_("the archive holds '{1}', {2}"),
    N_("the package holds no executable file '{1}'"),
    N_("'{1}' is neither a site nor an access point"),
    N_("link '{1}' ends at site '{2}'"),
    N_("deployment '{1}' runs on site '{2}'"),
    /* root cause */
    N_("nothing stands out: evidence {1}, while windows of the history without an alarm reach {2}"),
    N_("what stands out does not move together with the symptom"),
    N_("demand rose and what else moved follows it: nothing is broken"),
    N_("no series left its normal band for long enough"),
    N_("the history before the alarm is too short: {1} rows"),
    N_("evidence {1} passes the most of {2} windows of the history without an alarm, {3}"),
    N_("no symptom was given to trace from"),
    N_("there is no topology: no path could be verified"),
    N_("the symptom itself stays within its history"),
    N_("a step of the path is not verified"),
    N_("another candidate is not excluded"),
    N_("most of the first candidate's change is explained by others"),
    N_("the history is too short for more than a few windows to compare with"),
    N_("the first candidate is seen through others only"),
    N_("every step of the path is verified and no other candidate comes near"),
    N_("{1} rose from {2} to {3}, {4} scales from normal, since {5}"),
    N_("{1} fell from {2} to {3}, {4} scales from normal, since {5}"),
    N_("moves together with the symptom (correlation {1})"),
    N_("hardly moves together with the symptom (correlation {1})"),
    N_("{1} percent of it is explained by what it depends on or by its load"),
    N_("it is seen through others only; what is behind it may be at work"),
    N_("change before it, at {1}: {2}"),
    N_("a change came only after it began, at {1}: {2}"),
    N_("without a topology nothing tells the first candidates apart"),
    N_("neither did the symptom leave its history, nor is the path to what did verified"),
    N_("{1} of the {2} that use it are ill and nothing else explains it; it is {3} percent of what "
       "is "
       "unexplained"),
    N_("its own {1} stays within its history"),
    N_("{1} reported nothing any more from {2} on, as never before"),
    N_("silence has no shape: it may be its monitoring that failed"),
    N_("the first candidate fell silent: nothing of it can be compared"),
    N_("{1} rows of metrics.csv were out of order and were sorted"),
    N_("{1} rows of metrics.csv had a time that was there already and were merged"),
    N_("{1} cells hold no finite number and count as missing"),
    N_("{1} gaps in time"),
    N_("{1} edges of the topology are contradicted by the history's requests"),
    N_("there is no topology: ties are inferred from time and shape alone"),
    N_("needs {1}"),
    N_("{1} needs {2}; {3} needs {4}; {5} needs {6}"),
    N_("{1} needs {2}; {3} needs {4}"),
};

/* Fills the ranges that {1}… stand for; false when the text has another shape. */
struct hole {
    const char *text;
    size_t len;
};

static bool match(const char *pattern, const char *text, struct hole holes[9])
{
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *text++)
                return false;
            continue;
        }
        struct hole *hole = &holes[pattern[1] - '1'];
        pattern += 3;
        size_t literal = strcspn(pattern, "{");
        hole->text = text;
        if (literal == 0) {
            hole->len = strlen(text);
            return true;
        }
        char *rest = mem_strndup(pattern, literal);
        const char *end = NULL;
        if (pattern[literal]) { /* more holes follow: the first place */
            end = strstr(text, rest);
        } else { /* the literal ends the sentence */
            size_t len = strlen(text);
            if (len >= literal && str_eq(text + len - literal, rest))
                end = text + len - literal;
        }
        mem_free(rest);
        if (!end)
            return false;
        hole->len = (size_t)(end - text);
        text = end;
    }
    return !*text;
}

/* Codes inside sentences are words too: "deployment 'x' is removing"; so are refusals without
 * holes: "cannot open 'x': Permission denied". */
static void add_hole(struct buf *out, const struct hole *hole)
{
    static const char *const groups[] = {"state", "kind", "form", "role", "reason"};
    char code[64];
    if (hole->len < sizeof code) {
        str_format(code, sizeof code, "%.*s", (int)hole->len, hole->text);
        for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
            const char *word = cli_word(groups[i], code);
            if (word != code) {
                buf_add_str(out, word);
                return;
            }
        }
        for (size_t i = 0; i < cli_refusal_count; i++) {
            if (str_eq(cli_refusals[i], code)) {
                buf_add_str(out, _(cli_refusals[i]));
                return;
            }
        }
    }
    buf_add(out, hole->text, hole->len);
}

/* The first pattern of a list that fits, filled in the reader's language; NULL = none does. */
static const char *say_again(const char *const *patterns, size_t count, const char *text,
                             struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        struct hole holes[9] = {{NULL, 0}};
        if (!match(patterns[i], text, holes))
            continue;
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        for (const char *at = _(patterns[i]); *at; at++) {
            bool is_hole = at[0] == '{' && at[1] >= '1' && at[1] <= '9' && at[2] == '}';
            if (is_hole && holes[at[1] - '1'].text)
                add_hole(&out, &holes[at[1] - '1']);
            if (is_hole)
                at += 2;
            else
                buf_add_char(&out, *at);
        }
        return arena_strdup(arena, buf_str(&out));
    }
    return NULL;
}

const char *cli_sentence(const char *text, struct arena *arena)
{
    if (!text || !cli_language_is_chinese())
        return text;
    const char *said = say_again(cli_refusals, cli_refusal_count, text, arena);
    if (!said)
        said = say_again(sentences, ARRAY_LEN(sentences), text, arena);
    const char *colon = said ? NULL : strstr(text, ": ");
    if (colon) { /* "network.yaml: line 2: not YAML: …": the place, then what is wrong there */
        const char *rest = cli_sentence(colon + 2, arena);
        if (rest != colon + 2) {
            static const char *const lines[] = {N_("line {1}")};
            const char *place = arena_strndup(arena, text, (size_t)(colon - text));
            const char *line = say_again(lines, 1, place, arena);
            said = arena_printf(arena, "%s%s%s", line ? line : place, _(": "), rest);
        }
    }
    return said ? said : text;
}
