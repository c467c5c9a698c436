"""What comes back as numbers and advice: readings, metrics, reports, plan."""
