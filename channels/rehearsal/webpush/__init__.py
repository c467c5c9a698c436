"""The stand-in for a browser's web push service, which also keeps the browser's keys."""
