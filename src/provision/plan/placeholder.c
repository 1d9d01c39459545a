typedef int provision_plan_placeholder; /* replaced by the first file of the module */
