"""舆情回应: clues, judgements and responses, with the clocks by which a first word and an answer are owed."""
