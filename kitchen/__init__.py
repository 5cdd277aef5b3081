"""Kitchen: a compiler for model-training workflows."""
