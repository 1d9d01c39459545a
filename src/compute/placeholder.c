typedef int compute_placeholder; /* replaced by the first file of the module */
