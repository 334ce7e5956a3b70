"""Accounts, passwords, logins and sessions."""
