typedef int provision_providers_docker_placeholder; /* replaced by the first file of the module */
