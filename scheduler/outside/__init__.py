"""登记外发: what an account really shows, against what we published, and a person's word on each difference."""
