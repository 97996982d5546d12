"""What clients that others wrote find in the sandbox: `make compliance`."""
