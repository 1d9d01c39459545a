typedef int provision_providers_simulator_placeholder; /* replaced by the first file of the module */
