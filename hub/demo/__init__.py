"""The demo office: an invented city with people, guides, questions and a first day of news."""
