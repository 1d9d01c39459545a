typedef int provision_providers_host_placeholder; /* replaced by the first file of the module */
