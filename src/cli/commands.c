/* commands.c - the table of commands, and what their lists show. */
#include "base/str.h"
#include "cli/cli_priv.h"

#define END          \
    {                \
        .name = NULL \
    }

static const char *const formats[] = {NULL, "table", "json", "yaml", NULL};
static const char *const languages[] = {NULL, "en", "zh", NULL};
static const char *const shells[] = {NULL, "bash", "zsh", NULL};
static const char *const roles[] = {NULL, "viewer", "customer", "operator", "admin", NULL};
static const char *const providers[] = {NULL, "host", "docker", "simulator", NULL};

const struct cli_option cli_common_options[] = {
    {"output", 'o', CLI_CHOICE, "FORMAT", formats, N_("table (for people), json or yaml")},
    {"server", 0, CLI_TEXT, "URL", NULL, N_("address of the server (SWAN_SERVER)")},
    {"token", 0, CLI_TEXT, "TOKEN", NULL, N_("token that says who you are (SWAN_TOKEN)")},
    {"timeout", 0, CLI_DURATION, "TIME", NULL, N_("how long one call may take; 60s if not said")},
    {"lang", 0, CLI_CHOICE, "LANG", languages, N_("language: en or zh (SWAN_LANG, LANG)")},
    {"no-color", 0, CLI_FLAG, NULL, NULL, N_("no colours (NO_COLOR)")},
    {"quiet", 'q', CLI_FLAG, NULL, NULL, N_("print only what a script needs")},
    {"help", 'h', CLI_FLAG, NULL, NULL, N_("show help")},
    {"version", 'V', CLI_FLAG, NULL, NULL, N_("show the version")},
    END};

#define OPTION_YES                                         \
    {                                                      \
        "yes", 'y', CLI_FLAG, NULL, NULL, N_("do not ask") \
    }
#define OPTION_NO_WAIT                                                    \
    {                                                                     \
        "no-wait", 0, CLI_FLAG, NULL, NULL, N_("do not wait for the end") \
    }
#define OPTION_OBJECTIVE                                                   \
    {                                                                      \
        "objective", 0, CLI_CHOICE, "WHAT", requirement_objective_choices, \
            N_("what to prefer: cost, latency, reliability or green")      \
    }
#define OPTION_CHOICE                                                              \
    {                                                                              \
        "choice", 0, CLI_INTEGER, "N", NULL, N_("number of the candidate, from 1") \
    }
#define OPTION_TIME_LIMIT                                                               \
    {                                                                                   \
        "time-limit", 0, CLI_NUMBER, "SECONDS", NULL, N_("most seconds for the search") \
    }
#define OPTION_NETWORK                                                          \
    {                                                                           \
        "network", 0, CLI_FILE, "FILE", NULL, N_("network file (YAML or JSON)") \
    }
#define OPTION_REQUIREMENT                                                    \
    {                                                                         \
        "requirement", 0, CLI_FILE, "REQ", NULL,                              \
            N_("requirement: a JSON file, - for stdin, or the need in words") \
    }
#define OPTION_NOTES                                                                        \
    {                                                                                       \
        "price-notes", 0, CLI_FILE, "FILE", NULL, N_("where the prices of sites come from") \
    }

#define OPTION_SCENARIOS                                                          \
    {                                                                             \
        "scenarios", 0, CLI_FILE, "FILE", NULL,                                   \
            N_("what scenarios usually need; the profiles that ship if not said") \
    }
#define OPTION_TECHNOLOGIES                                                         \
    {                                                                               \
        "technologies", 0, CLI_FILE, "FILE", NULL,                                  \
            N_("what access technologies carry; the figures that ship if not said") \
    }
#define OPTION_CASES                                                            \
    {                                                                           \
        "cases", 0, CLI_FILE, "FILE", NULL, N_("past cases and their outcomes") \
    }
#define OPTION_APPLICATIONS                                                                      \
    {                                                                                            \
        "applications", 0, CLI_FILE, "FILE", NULL, N_("versions of applications that are known") \
    }
#define OPTION_MEASUREMENTS                                                                \
    {                                                                                      \
        "measurements", 0, CLI_FILE, "FILE", NULL, N_("what applications were seen to do") \
    }

static const char *const requirement_objective_choices[] = {NULL,          "cost",  "latency",
                                                            "reliability", "green", NULL};

static const struct cli_option yes_options[] = {OPTION_YES, END};
static const struct cli_option list_options[] = {
    {"filter", 0, CLI_TEXTS, "COND", NULL, N_("only those with, such as spec.tier==edge")},
    {"sort", 0, CLI_TEXT, "PATH", NULL, N_("order by a field; -PATH for the other way")},
    {"limit", 0, CLI_INTEGER, "N", NULL, N_("at most so many")},
    {"all", 0, CLI_FLAG, NULL, NULL, N_("deployments that were removed too")},
    END};
static const struct cli_option launch_options[] = {
    OPTION_YES,
    OPTION_OBJECTIVE,
    OPTION_CHOICE,
    {"real-only", 0, CLI_FLAG, NULL, NULL, N_("never let the simulator stand in for a site")},
    OPTION_NO_WAIT,
    OPTION_TIME_LIMIT,
    END};
static const struct cli_option intent_options[] = {
    {"batch", 0, CLI_FILE, "FILE", NULL,
     N_("lines {\"id\",\"text\"}; prints lines {\"id\",\"requirement\"}")},
    {"explain", 0, CLI_FLAG, NULL, NULL, N_("in JSON: with the words read and open questions")},
    END};
static const struct cli_option design_options[] = {
    OPTION_NETWORK,
    {"requirement", 0, CLI_FILES, "REQ", NULL,
     N_("requirement: a JSON file, - for stdin, or the need in words; several are designed "
        "jointly")},
    OPTION_OBJECTIVE,
    {"only-objective", 0, CLI_FLAG, NULL, NULL, N_("one solution, for that objective")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of the search; same seed, same answer")},
    OPTION_TIME_LIMIT,
    OPTION_NOTES,
    OPTION_SCENARIOS,
    OPTION_TECHNOLOGIES,
    OPTION_CASES,
    OPTION_APPLICATIONS,
    OPTION_MEASUREMENTS,
    END};
static const struct cli_option evaluate_options[] = {OPTION_NETWORK,      OPTION_REQUIREMENT,
                                                     OPTION_CHOICE,       OPTION_NOTES,
                                                     OPTION_SCENARIOS,    OPTION_TECHNOLOGIES,
                                                     OPTION_CASES,        OPTION_APPLICATIONS,
                                                     OPTION_MEASUREMENTS, END};
static const char *const replay_policies[] = {NULL,  "random", "bestfit", "dotproduct",
                                              "fgd", "swan",   NULL};
static const struct cli_option replay_options[] = {
    {"nodes", 0, CLI_FILE, "FILE", NULL, N_("nodes as CSV: sn,cpu_milli,memory_mib,gpu,model")},
    {"pods", 0, CLI_FILE, "FILE", NULL, N_("pods as CSV in the order of their arrival")},
    {"policy", 0, CLI_CHOICE, "NAME", replay_policies,
     N_("random, bestfit, dotproduct, fgd or swan; swan if not said")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of the policy; same seed, same answer")},
    END};
static const struct cli_option bench_options[] = {
    {"sites", 0, CLI_TEXT, "N,N…", NULL, N_("sizes of the networks; 100 to 100000 if not said")},
    {"components", 0, CLI_INTEGER, "N", NULL, N_("components of a requirement; 8 if not said")},
    {"needs", 0, CLI_INTEGER, "N", NULL, N_("requirements for each size; 5 if not said")},
    {"seed", 0, CLI_INTEGER, "N", NULL, N_("seed of networks and requirements; 1 if not said")},
    OPTION_TIME_LIMIT,
    END};
static const struct cli_option order_options[] = {OPTION_CHOICE, OPTION_YES, END};
static const struct cli_option version_options[] = {
    {"version", 0, CLI_INTEGER, "N", NULL, N_("an older version")}, END};
static const struct cli_option plan_options[] = {
    {"simulate", 0, CLI_FLAG, NULL, NULL,
     N_("let the simulator stand in for sites that are catalogue only")},
    END};
static const struct cli_option start_options[] = {
    {"digest", 0, CLI_TEXT, "DIGEST", NULL, N_("the digest that was approved")},
    OPTION_YES,
    OPTION_NO_WAIT,
    END};
static const struct cli_option deployment_delete_options[] = {OPTION_YES, OPTION_NO_WAIT, END};
static const struct cli_option twin_options[] = {
    {"at", 0, CLI_TEXT, "TIME", NULL, N_("another moment, such as 2026-11-23T12:00:00Z")}, END};
static const struct cli_option import_options[] = {
    OPTION_NOTES,
    {"prices", 0, CLI_FILE, "FILE", NULL, N_("lines of the price book")},
    {"dry-run", 0, CLI_FLAG, NULL, NULL, N_("check and count, change nothing")},
    END};
static const struct cli_option connection_options[] = {
    {"site", 0, CLI_TEXT, "SITE", NULL, N_("which site")},
    {"provider", 0, CLI_CHOICE, "NAME", providers, N_("what opens things there")},
    {"endpoint", 0, CLI_TEXT, "ADDRESS", NULL,
     N_("local, ssh://user@host, unix:///run/docker.sock, tcp://…, simulator:SEED")},
    END};
static const struct cli_option publish_options[] = {
    {"yes", 'y', CLI_FLAG, NULL, NULL, N_("through all steps that your role allows")},
    {"note", 0, CLI_TEXT, "TEXT", NULL, N_("why; kept in the history")},
    END};
static const struct cli_option note_options[] = {
    {"note", 0, CLI_TEXT, "TEXT", NULL, N_("why; kept in the history")}, END};
static const struct cli_option user_options[] = {
    {"role", 0, CLI_CHOICE, "ROLE", roles, N_("viewer, customer, operator or admin")},
    {"tenant", 0, CLI_TEXT, "NAME", NULL, N_("tenant; without one the operator's own")},
    {"title", 0, CLI_TEXT, "TEXT", NULL, N_("name as people write it")},
    {"password", 0, CLI_FLAG, NULL, NULL, N_("ask for a password (or read a line of stdin)")},
    END};
static const struct cli_option tenant_options[] = {
    {"title", 0, CLI_TEXT, "TEXT", NULL, N_("name as people write it")}, END};
static const struct cli_option token_options[] = {
    {"user", 0, CLI_TEXT, "NAME", NULL, N_("whose; without it your own")},
    {"role", 0, CLI_CHOICE, "ROLE", roles, N_("viewer, customer, operator or admin")},
    {"title", 0, CLI_TEXT, "TEXT", NULL, N_("what it is for")},
    {"expires", 0, CLI_DURATION, "TIME", NULL, N_("how long it lives; without it for ever")},
    END};
static const struct cli_option login_options[] = {
    {"user", 0, CLI_TEXT, "NAME", NULL, N_("sign in with a password, which is asked for")}, END};
static const struct cli_option audit_options[] = {
    {"after", 0, CLI_INTEGER, "N", NULL, N_("only after this position of the journal")}, END};
static const struct cli_option help_options[] = {
    {"markdown", 0, CLI_FLAG, NULL, NULL, N_("the reference page")}, END};

static const struct cli_argument words_argument[] = {
    {"WORDS", false, false, N_("the need in words, Chinese or English; - reads stdin")}, END};
static const struct cli_argument text_argument[] = {
    {"TEXT", true, false, N_("the need in words; - or nothing reads stdin")}, END};
static const struct cli_argument solution_file_argument[] = {
    {"SOLUTION", false, true, N_("file with a solution, or with the answer of a design")}, END};
static const struct cli_argument id_argument[] = {{"ID", false, false, N_("id of the record")},
                                                  END};
static const struct cli_argument solution_argument[] = {
    {"SOLUTION", false, false, N_("id of a solution set")}, END};
static const struct cli_argument order_argument[] = {{"ORDER", false, false, N_("id of an order")},
                                                     END};
static const struct cli_argument plan_argument[] = {{"PLAN", false, false, N_("id of a plan")},
                                                    END};
static const struct cli_argument run_argument[] = {{"RUN", false, false, N_("id of a run")}, END};
static const struct cli_argument deployment_argument[] = {
    {"DEPLOYMENT", false, false, N_("id of a deployment")}, END};
static const struct cli_argument maybe_deployment_argument[] = {
    {"DEPLOYMENT", true, false, N_("id of a deployment; without it the whole twin")}, END};
static const struct cli_argument site_argument[] = {{"SITE", false, false, N_("id of a site")},
                                                    END};
static const struct cli_argument file_argument[] = {
    {"FILE", false, true, N_("YAML or JSON; - reads stdin")}, END};
static const struct cli_argument app_argument[] = {
    {"APP", false, false, N_("name@version of an application")}, END};
static const struct cli_argument publish_argument[] = {
    {"PATH", false, true, N_("folder with app.yaml and its artefact, or name@version")}, END};
static const struct cli_argument name_argument[] = {{"NAME", false, false, N_("name")}, END};
static const struct cli_argument help_arguments[] = {
    {"NOUN", true, false, N_("a command")}, {"VERB", true, false, N_("what to do with it")}, END};
static const struct cli_argument shell_argument[] = {{"SHELL", false, false, N_("bash or zsh")},
                                                     END};

#define FIELDS(fields) (fields), ARRAY_LEN(fields)

static const struct cli_field requirement_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("WORDS"), "spec.text", CLI_CELL_TEXT, NULL},
    {N_("READER"), "spec.reader", CLI_CELL_TEXT, NULL},
    {N_("QUESTIONS"), "spec.questions", CLI_CELL_COUNT, NULL},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection requirements = {"requirements", FIELDS(requirement_fields),
                                                   cli_show_requirement_record};
static const struct cli_field solution_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("STATE"), "status.state", CLI_CELL_STATE, "state"},
    {N_("VERSION"), "spec.number", CLI_CELL_NUMBER, NULL},
    {N_("REQUIREMENT"), "spec.requirement_id", CLI_CELL_TEXT, NULL},
    {N_("CANDIDATES"), "spec.answer.solutions", CLI_CELL_COUNT, NULL},
    {N_("FIRST COST/MONTH"), "spec.answer.solutions[0].cost", CLI_CELL_MONEY,
     "spec.answer.solutions[0].currency"},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection solutions = {"solutions", FIELDS(solution_fields),
                                                cli_show_solution_record};
static const struct cli_field order_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("STATE"), "status.state", CLI_CELL_STATE, "state"},
    {N_("SOLUTION"), "spec.solution", CLI_CELL_TEXT, NULL},
    {N_("PRICE/MONTH"), "status.price_month", CLI_CELL_MONEY, "status.currency"},
    {N_("PLAN"), "status.plan", CLI_CELL_TEXT, NULL},
    {N_("DEPLOYMENT"), "status.deployment", CLI_CELL_TEXT, NULL},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection orders = {"orders", FIELDS(order_fields), NULL};
static const struct cli_field plan_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("PURPOSE"), "spec.purpose", CLI_CELL_WORD, "purpose"},
    {N_("STATE"), "status.state", CLI_CELL_STATE, "state"},
    {N_("TASKS"), "spec.tasks", CLI_CELL_COUNT, NULL},
    {N_("PRICE/MONTH"), "spec.price_month", CLI_CELL_MONEY, "spec.currency"},
    {N_("DEPLOYMENT"), "spec.deployment", CLI_CELL_TEXT, NULL},
    {N_("SIMULATED"), "spec.simulated", CLI_CELL_BOOL, NULL},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection plans = {"plans", FIELDS(plan_fields), cli_show_plan_record};
static const struct cli_field run_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("PURPOSE"), "spec.purpose", CLI_CELL_WORD, "purpose"},
    {N_("STATE"), "status.state", CLI_CELL_STATE, "state"},
    {N_("DONE"), "status.tasks_done", CLI_CELL_NUMBER, NULL},
    {N_("TASKS"), "status.tasks_total", CLI_CELL_NUMBER, NULL},
    {N_("DEPLOYMENT"), "spec.deployment", CLI_CELL_TEXT, NULL},
    {N_("SIMULATED"), "status.simulated", CLI_CELL_BOOL, NULL},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection runs = {"runs", FIELDS(run_fields), cli_show_run_record};
static const struct cli_field deployment_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("STATE"), "status.state", CLI_CELL_STATE, "state"},
    {N_("TITLE"), "spec.title", CLI_CELL_TEXT, NULL},
    {N_("URLS"), "status.urls", CLI_CELL_LIST, NULL},
    {N_("PRICE/MONTH"), "status.price_month", CLI_CELL_MONEY, "status.currency"},
    {N_("SIMULATED"), "status.simulated", CLI_CELL_BOOL, NULL},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection deployments = {
    "deployments", FIELDS(deployment_fields), cli_show_deployment_record, "status.state!=removed"};
static const struct cli_field site_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("NAME"), "spec.name", CLI_CELL_TEXT, NULL},
    {N_("TIER"), "spec.tier", CLI_CELL_WORD, "tier"},
    {N_("STATE"), "status.state", CLI_CELL_STATE, "state"},
    {N_("VCPUS"), "spec.capacity.vcpus", CLI_CELL_NUMBER, NULL},
    {N_("GIB"), "spec.capacity.memory_gib", CLI_CELL_NUMBER, NULL},
    {N_("PROVIDER"), "spec.provider", CLI_CELL_TEXT, NULL},
    {N_("REGIONS"), "spec.regions", CLI_CELL_LIST, NULL},
};
static const struct cli_collection sites = {"sites", FIELDS(site_fields), NULL};
static const struct cli_field connection_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("SITE"), "spec.site", CLI_CELL_TEXT, NULL},
    {N_("PROVIDER"), "spec.provider", CLI_CELL_TEXT, NULL},
    {N_("ENDPOINT"), "spec.endpoint", CLI_CELL_TEXT, NULL},
    {N_("FORMS"), "spec.forms", CLI_CELL_LIST, "form"},
    {N_("SIMULATED"), "spec.simulated", CLI_CELL_BOOL, NULL},
};
static const struct cli_collection connections = {"connections", FIELDS(connection_fields), NULL};
static const struct cli_field price_fields[] = {
    {N_("SKU"), "spec.sku", CLI_CELL_TEXT, NULL},
    {N_("WHAT"), "spec.spec", CLI_CELL_TEXT, NULL},
    {N_("UNIT"), "spec.unit", CLI_CELL_TEXT, NULL},
    {N_("HOUR"), "spec.hour", CLI_CELL_NUMBER, NULL},
    {N_("MONTH"), "spec.month", CLI_CELL_NUMBER, NULL},
    {N_("BASIS"), "spec.basis", CLI_CELL_WORD, "basis"},
    {N_("SOURCE"), "spec.source", CLI_CELL_TEXT, NULL},
};
static const struct cli_collection prices = {"prices", FIELDS(price_fields), NULL};
static const struct cli_field app_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("STATE"), "status.state", CLI_CELL_STATE, "state"},
    {N_("TITLE"), "spec.title", CLI_CELL_TEXT, NULL},
    {N_("FORM"), "spec.form", CLI_CELL_WORD, "form"},
    {N_("BYTES"), "status.size_bytes", CLI_CELL_NUMBER, NULL},
    {N_("CHANGED"), "updated_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection apps = {"applications", FIELDS(app_fields), NULL};
static const struct cli_field user_fields[] = {
    {N_("NAME"), "spec.name", CLI_CELL_TEXT, NULL},
    {N_("TITLE"), "spec.title", CLI_CELL_TEXT, NULL},
    {N_("ROLE"), "spec.role", CLI_CELL_WORD, "role"},
    {N_("TENANT"), "spec.tenant", CLI_CELL_TEXT, NULL},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection users = {"users", FIELDS(user_fields), NULL};
static const struct cli_field tenant_fields[] = {
    {N_("NAME"), "spec.name", CLI_CELL_TEXT, NULL},
    {N_("TITLE"), "spec.title", CLI_CELL_TEXT, NULL},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection tenants = {"tenants", FIELDS(tenant_fields), NULL};
static const struct cli_field token_fields[] = {
    {N_("ID"), "id", CLI_CELL_TEXT, NULL},
    {N_("USER"), "spec.user", CLI_CELL_TEXT, NULL},
    {N_("ROLE"), "spec.role", CLI_CELL_WORD, "role"},
    {N_("TITLE"), "spec.title", CLI_CELL_TEXT, NULL},
    {N_("EXPIRES"), "spec.expires_at", CLI_CELL_TIME, NULL},
    {N_("CREATED"), "created_at", CLI_CELL_TIME, NULL},
};
static const struct cli_collection tokens = {"tokens", FIELDS(token_fields), NULL};

const struct cli_noun cli_nouns[] = {
    {"launch", N_("from words to a running service, in one command")},
    {"intent", N_("words → requirement (no server needed)")},
    {"requirement", N_("needs as they were read")},
    {"solution", N_("designs that meet a need")},
    {"order", N_("solutions that were ordered")},
    {"plan", N_("what will be done, with price, time and digest")},
    {"run", N_("plans being carried out")},
    {"deployment", N_("what is open")},
    {"twin", N_("the digital twin: what exists and how it hangs together")},
    {"site", N_("places with computing power")},
    {"network", N_("the whole network as a file")},
    {"connection", N_("how sites are opened")},
    {"price", N_("the price book")},
    {"app", N_("applications and their lifecycle")},
    {"user", N_("people and programs that may sign in")},
    {"tenant", N_("customers")},
    {"token", N_("tokens")},
    {"login", N_("remember server and token")},
    {"whoami", N_("whose token this is")},
    {"audit", N_("who changed what")},
    {"lean", N_("shorter ways: order of work, places of copies (no server needed)")},
    {"knowledge", N_("passages that answer a question (no server needed)")},
    {"bench", N_("how fast the engines are on this machine (no server needed)")},
    {"status", N_("how the server and the network are")},
    {"version", N_("version of program and server")},
    {"completion", N_("completion for a shell")},
};
const size_t cli_noun_count = ARRAY_LEN(cli_nouns);

#define LIST_OF(noun_, collection_, summary_)                                        \
    {                                                                                \
        .noun = noun_, .verb = "list", .options = list_options, .summary = summary_, \
        .run = cli_run_list, .data = &(collection_)                                  \
    }
#define SHOW_OF(noun_, collection_, argument_, summary_)                            \
    {                                                                               \
        .noun = noun_, .verb = "show", .arguments = argument_, .summary = summary_, \
        .run = cli_run_show, .data = &(collection_)                                 \
    }
#define DELETE_OF(noun_, verb_, collection_, argument_, summary_)                     \
    {                                                                                 \
        .noun = noun_, .verb = verb_, .arguments = argument_, .options = yes_options, \
        .summary = summary_, .run = cli_run_delete, .data = &(collection_)            \
    }

static const struct cli_command commands[] = {
    {"launch", NULL, words_argument, launch_options,
     N_("read the words, design, show, ask, order, open, and print where it answers"),
     cli_run_launch, NULL,
     N_("Example:\n"
        "  swan launch \"a hello web service on this machine, 2 replicas, each 0.5 cores and 256 "
        "MB, "
        "latency at most 10 ms\"\n"
        "Sites that are catalogue only cannot be opened: the simulator stands in for them, and "
        "that "
        "is said. Ctrl-C while it opens lets go of it; the run goes on."),
     false},
    {"intent", "read", text_argument, intent_options, N_("read words into a requirement"),
     cli_run_intent_read, NULL, NULL, false},
    LIST_OF("requirement", requirements, N_("list needs")),
    SHOW_OF("requirement", requirements, id_argument, N_("show a need and the words it came from")),
    {"solution", "design", NULL, design_options, N_("design solutions on a network file"),
     cli_run_solution_design, NULL,
     N_("Needs no server. Ends with 3 when no solution exists; the conflict and the cheapest "
        "relaxations are printed then. Several requirements share the capacity of the network, at "
        "the least total cost; it ends with 4 when some of them cannot be met."),
     false},
    {"solution", "evaluate", solution_file_argument, evaluate_options,
     N_("judge a solution in five dimensions on a network file"), cli_run_solution_evaluate, NULL,
     N_("Needs no server."), false},
    {"solution", "replay", NULL, replay_options,
     N_("place a stream of pods on an accelerator fleet, one by one"), cli_run_solution_replay,
     NULL,
     N_("Needs no server. No pod is refused while a node can hold it. Columns of the pods: "
        "id,name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec. The allocation is the share of "
        "the GPU in use when the pods have asked for 1.3 times what there is."),
     false},
    LIST_OF("solution", solutions, N_("list designs")),
    {"solution", "show", id_argument, version_options,
     N_("show a design: candidates, costs, verdicts"), cli_run_solution_show, &solutions, NULL,
     false},
    {"order", "create", solution_argument, order_options, N_("order a confirmed candidate"),
     cli_run_order_create, NULL,
     N_("A candidate that is not confirmed yet is confirmed by --yes, or by saying so when asked."),
     false},
    LIST_OF("order", orders, N_("list orders")),
    SHOW_OF("order", orders, order_argument, N_("show an order")),
    {"plan", "create", order_argument, plan_options, N_("plan how an order is opened"),
     cli_run_plan_create, NULL, NULL, false},
    LIST_OF("plan", plans, N_("list plans")),
    SHOW_OF("plan", plans, plan_argument, N_("show a plan: tasks, price, time, digest")),
    {"run", "start", plan_argument, start_options, N_("carry out a plan"), cli_run_run_start, NULL,
     NULL, false},
    LIST_OF("run", runs, N_("list runs")),
    SHOW_OF("run", runs, run_argument, N_("show a run, task by task")),
    {"run", "watch", run_argument, NULL, N_("follow a run to its end"), cli_run_run_watch, NULL,
     NULL, false},
    {"run", "cancel", run_argument, yes_options, N_("stop a run and undo what it made"),
     cli_run_run_cancel, NULL, NULL, false},
    LIST_OF("deployment", deployments, N_("list what is open")),
    SHOW_OF("deployment", deployments, deployment_argument,
            N_("show a deployment: where it runs, how it is, its addresses")),
    {"deployment", "delete", deployment_argument, deployment_delete_options,
     N_("remove all that a deployment consists of"), cli_run_deployment_delete, NULL, NULL, false},
    {"twin", "show", maybe_deployment_argument, twin_options,
     N_("show the twin, now or at another moment"), cli_run_twin_show, NULL, NULL, false},
    LIST_OF("site", sites, N_("list sites")),
    SHOW_OF("site", sites, site_argument, N_("show a site")),
    {"site", "put", file_argument, NULL, N_("add or replace a site"), cli_run_site_put, NULL, NULL,
     false},
    DELETE_OF("site", "delete", sites, site_argument, N_("remove a site")),
    {"site", "discover", site_argument, NULL, N_("measure a site through its connection"),
     cli_run_site_discover, NULL, NULL, false},
    {"network", "import", file_argument, import_options,
     N_("add or replace what a network file holds"), cli_run_network_import, NULL, NULL, false},
    {"network", "export", NULL, NULL, N_("print the network as a network file (YAML)"),
     cli_run_network_export, NULL, NULL, false},
    LIST_OF("connection", connections, N_("list how sites are opened")),
    {"connection", "add", NULL, connection_options, N_("say how a site is opened"),
     cli_run_connection_add, NULL, NULL, false},
    DELETE_OF("connection", "delete", connections, id_argument,
              N_("forget how a site is opened (ID is SITE~PROVIDER)")),
    LIST_OF("price", prices, N_("list the price book")),
    {"app", "publish", publish_argument, publish_options,
     N_("upload a folder as an application, or publish an approved one"), cli_run_app_publish, NULL,
     NULL, false},
    LIST_OF("app", apps, N_("list applications")),
    SHOW_OF("app", apps, app_argument, N_("show an application")),
    {"app", "submit", app_argument, note_options, N_("draft → submitted"), cli_run_app_step, NULL,
     NULL, false},
    {"app", "reject", app_argument, note_options, N_("submitted → draft"), cli_run_app_step, NULL,
     NULL, false},
    {"app", "approve", app_argument, note_options, N_("submitted → approved"), cli_run_app_step,
     NULL, NULL, false},
    {"app", "retire", app_argument, note_options, N_("published → retired"), cli_run_app_step, NULL,
     NULL, false},
    LIST_OF("user", users, N_("list users")),
    {"user", "create", name_argument, user_options, N_("add a user"), cli_run_user_create, NULL,
     NULL, false},
    DELETE_OF("user", "delete", users, name_argument, N_("remove a user and its tokens")),
    LIST_OF("tenant", tenants, N_("list tenants")),
    {"tenant", "create", name_argument, tenant_options, N_("add a tenant"), cli_run_tenant_create,
     NULL, NULL, false},
    LIST_OF("token", tokens, N_("list tokens")),
    {"token", "create", NULL, token_options, N_("make a token; it is shown this once"),
     cli_run_token_create, NULL, NULL, false},
    DELETE_OF("token", "revoke", tokens, id_argument, N_("revoke a token")),
    {"login", NULL, NULL, login_options, N_("remember server and token, or sign in by password"),
     cli_run_login, NULL,
     N_("swan login --token TOKEN keeps a token, swan login --user NAME asks for a password. Both "
        "are checked with the server, then kept in $XDG_CONFIG_HOME/swan/context.json, for you "
        "alone."),
     false},
    {"whoami", NULL, NULL, NULL, N_("whose token this is"), cli_run_whoami, NULL, NULL, false},
    {"audit", "list", NULL, audit_options, N_("list writes that were tried"), cli_run_audit_list,
     NULL, NULL, false},
    {"bench", "design", NULL, bench_options,
     N_("time to the proven cheapest solution on networks of growing size"), cli_run_bench_design,
     NULL,
     N_("Networks have hubs on a ring, cities on hubs, districts and sites, made from a seed. The "
        "requirements are possible ones whose bounds mostly bind.")},
    {"status", NULL, NULL, NULL, N_("how the server and the network are"), cli_run_status, NULL,
     NULL, false},
    {"version", NULL, NULL, NULL, N_("version of program and server"), cli_run_version, NULL, NULL,
     false},
    {"completion", NULL, shell_argument, NULL, N_("print completion for bash or zsh"),
     cli_run_completion, shells,
     N_("bash: swan completion bash > /etc/bash_completion.d/swan\n"
        "zsh:  swan completion zsh > /usr/share/zsh/vendor-completions/_swan"),
     false},
    {"help", NULL, help_arguments, help_options, N_("help, or the reference page"), cli_run_help,
     NULL, NULL, true},
};
static const struct cli_command_table own_table = {commands, ARRAY_LEN(commands)};

/* Engines keep their commands in files of their own; help shows them in this order. */
static const struct cli_command_table *const tables[] = {
    &own_table,        //
    &cli_refine_table, //
    &cli_lean_report_table,
    &cli_lean_table,
    &cli_lean_cache_table, //
    &cli_twin_table,       //
    &cli_twin_graph_table, //
    &cli_twin_risks_table, //
    &cli_bench_simulate_table,
    &cli_twin_simulate_table,
    &cli_knowledge_table, //
};

const struct cli_command *cli_command_at(const struct cli_hooks *hooks, size_t index)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (index < tables[i]->count)
            return &tables[i]->commands[index];
        index -= tables[i]->count;
    }
    return index < hooks->command_count ? &hooks->commands[index] : NULL;
}

const struct cli_noun *cli_noun_at(const struct cli_hooks *hooks, size_t index)
{
    if (index < cli_noun_count)
        return &cli_nouns[index];
    index -= cli_noun_count;
    return index < hooks->noun_count ? &hooks->nouns[index] : NULL;
}

const struct cli_noun *cli_noun_find(const struct cli_hooks *hooks, const char *name)
{
    const struct cli_noun *noun;
    for (size_t i = 0; (noun = cli_noun_at(hooks, i)); i++)
        if (str_eq(noun->name, name))
            return noun;
    return NULL;
}

bool cli_noun_has_verbs(const struct cli_hooks *hooks, const char *noun)
{
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(hooks, i)); i++)
        if (str_eq(command->noun, noun) && command->verb)
            return true;
    return false;
}
