"""Accounts on platforms: the register, their secrets and tokens, their quotas, and push subscriptions."""
