"""Text from elsewhere made into drafts: news feeds and Word documents."""
