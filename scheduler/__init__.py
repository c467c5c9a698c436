"""When things go out: bookings, dispatch, receipts, placements, sweeps."""
