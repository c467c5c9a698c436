"""What citizens and the inside reach on the outer host: no console, no signing, nobody logs in."""
