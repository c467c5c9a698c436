"""The service bot: understands a citizen, answers from signed content, hands over to a person."""
