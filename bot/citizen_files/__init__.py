"""Pictures, voice and video of citizens: fetched from the platform or sent on our own page, checked, kept, shown."""
