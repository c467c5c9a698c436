"""One adapter per platform; none knows the database or Jinja."""
