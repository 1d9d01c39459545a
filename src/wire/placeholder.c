typedef int wire_placeholder; /* replaced by the first file of the module */
