"""What comes again: publishing slots (栏位) that pieces queue for, and series of one release."""
