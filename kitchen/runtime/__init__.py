"""What runs programs: stages, ports, adapters, the interpreter and the run directory."""
