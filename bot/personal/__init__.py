"""What citizens left with the bot and the desk: how long it is kept, and how one citizen gets or loses it."""
