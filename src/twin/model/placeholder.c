typedef int twin_model_placeholder; /* replaced by the first file of the module */
