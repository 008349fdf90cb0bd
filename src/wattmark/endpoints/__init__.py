"""Servers over HTTP: request schedules, and what protocols of servers ask and answer."""
