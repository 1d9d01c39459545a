typedef int intelligent_intent_placeholder; /* replaced by the first file of the module */
