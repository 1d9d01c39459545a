typedef int intelligent_evaluation_placeholder; /* replaced by the first file of the module */
