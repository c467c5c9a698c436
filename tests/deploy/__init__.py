"""What `deploy/` gives an administrator, tried out."""
