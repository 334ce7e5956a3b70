"""Accounts, passwords, logins and the sessions they open."""
