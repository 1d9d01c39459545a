typedef int types_placeholder; /* replaced by the first file of the module */
