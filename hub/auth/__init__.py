"""Who is asking: passwords, log-ins, tokens for programs, links that work once, and who may hold which role."""
