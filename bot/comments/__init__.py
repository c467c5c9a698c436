"""Comments beneath what was published: heard on a schedule, answered by people within the office's limit."""
