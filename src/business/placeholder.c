typedef int business_placeholder; /* replaced by the first file of the module */
