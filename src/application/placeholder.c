typedef int application_placeholder; /* replaced by the first file of the module */
