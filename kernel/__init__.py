"""What every other package stands on: work, audit, people, claims, duties, rules of the office."""
