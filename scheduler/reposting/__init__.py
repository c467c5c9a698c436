"""转载任务: what an authority publishes must show on named accounts by a deadline; watched, opened, closed, counted."""
