typedef int store_placeholder; /* replaced by the first file of the module */
