"""Everything people read: pages of the console and the portal, messages of the channels, words of the bot."""
