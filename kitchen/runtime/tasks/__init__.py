"""Tasks of one run, each in a process of its own; what they give each other lies in its folder."""
