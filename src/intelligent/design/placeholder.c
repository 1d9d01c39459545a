typedef int intelligent_design_placeholder; /* replaced by the first file of the module */
