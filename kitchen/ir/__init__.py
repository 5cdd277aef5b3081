"""The typed program between the languages kitchen reads and the machines it runs on."""
