"""What goes wrong outside, done on purpose: `make faults` at length, a short run among the tests."""
