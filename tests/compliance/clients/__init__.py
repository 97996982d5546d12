"""One list of checks, of many clients that others wrote: checks.txt, and a program for each kind of client."""
