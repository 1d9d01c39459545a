typedef int base_placeholder; /* replaced by the first file of the module */
