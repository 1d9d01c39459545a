/* content.c - the standards that ship with the program: content/scenarios/profiles.yaml and
 * content/standards/access-technologies.yaml, put into it when it is built. */
#include "intelligent/evaluation/content_priv.h"
#include "intelligent/evaluation/evaluation.h"

enum err_code evaluation_standards_shipped(struct feasibility_standards *out, struct arena *arena,
                                           struct err *err)
{
    enum err_code rc =
        json_decode_yaml(evaluation_profiles_yaml, evaluation_profiles_yaml_len,
                         &feasibility_profiles_table, NULL, &out->profiles, arena, err);
    if (rc)
        return err_context(err, "profiles.yaml"), rc;
    rc = json_decode_yaml(evaluation_technologies_yaml, evaluation_technologies_yaml_len,
                          &feasibility_technologies_table, NULL, &out->technologies, arena, err);
    return rc ? (err_context(err, "access-technologies.yaml"), rc) : ERR_OK;
}
