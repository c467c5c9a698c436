"""What takes several turns: a report that becomes a ticket, and the progress of one; the hub keeps where they stand."""
