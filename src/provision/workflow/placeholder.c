typedef int provision_workflow_placeholder; /* replaced by the first file of the module */
