"""Public data sets of the Hugging Face hub, in the form that each task takes: one file a task."""
