"""The reference laboratory's virtual instruments, atoms and bench."""
