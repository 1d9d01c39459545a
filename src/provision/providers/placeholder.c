typedef int provision_providers_placeholder; /* replaced by the first file of the module */
