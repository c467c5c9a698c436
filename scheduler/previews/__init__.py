"""真实预览: drafts at the platform that only the office sees, held against what was sent, before anybody signs."""
