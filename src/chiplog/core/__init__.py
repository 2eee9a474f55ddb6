"""Runs, journal, sessions, autologging, models: what chiplog is, without any store or framework."""
